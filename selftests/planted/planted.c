// SPDX-License-Identifier: GPL-2.0
/*
 * planted.c - a module with faults, to see that the debug kernel finds them
 *
 *	insmod planted.ko fault=NAME
 *
 * commits the fault of that name, once; without a name it does nothing.  The
 * faults are of the kinds that a network protocol is prone to: most happen in
 * a timer's handler, which runs in a softirq as the receive path does.
 *
 * This is for the virtual machine only, and no part of edutcp.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *fault = "none";
module_param(fault, charp, 0);
MODULE_PARM_DESC(fault, "the fault to commit");

struct object {
	struct timer_list timer;
	int value;
};

static DECLARE_COMPLETION(timer_has_run);
static struct object *object;

/* Run a handler in a timer, and wait until it has run. */
static void in_timer(void (*handler)(struct timer_list *timer))
{
	static struct timer_list timer;

	timer_setup(&timer, handler, 0);
	mod_timer(&timer, jiffies + 1);
	wait_for_completion(&timer_has_run);
	del_timer_sync(&timer);
}

static void nothing(struct timer_list *timer)
{
	complete(&timer_has_run);
}

/* The connection was freed, and its timer comes all the same. */

static void read_freed(struct timer_list *timer)
{
	pr_info("the value was %d\n", READ_ONCE(object->value));
	complete(&timer_has_run);
}

static void use_after_free(void)
{
	object = kzalloc(sizeof(*object), GFP_KERNEL);
	kfree(object);
	in_timer(read_freed);
}

static void free_armed_timer(void)
{
	object = kzalloc(sizeof(*object), GFP_KERNEL);
	if (!object)
		return;
	timer_setup(&object->timer, nothing, 0);
	mod_timer(&object->timer, jiffies + HZ);
	kfree(object);
	wait_for_completion(&timer_has_run);
}

/* A listener locks a child, and the child's end locks the listener. */
static void lock_inversion(void)
{
	static DEFINE_SPINLOCK(listener);
	static DEFINE_SPINLOCK(child);

	spin_lock_bh(&listener);
	spin_lock(&child);
	spin_unlock(&child);
	spin_unlock_bh(&listener);

	spin_lock_bh(&child);
	spin_lock(&listener);
	spin_unlock(&listener);
	spin_unlock_bh(&child);
}

/* A lock that softirqs take is held by a task, which a softirq interrupts. */

static DEFINE_SPINLOCK(shared);

static void take_shared(struct timer_list *timer)
{
	spin_lock(&shared);
	spin_unlock(&shared);
	complete(&timer_has_run);
}

static void softirqs_not_off(void)
{
	in_timer(take_shared);
	spin_lock(&shared);
	spin_unlock(&shared);
}

static void sleep_in_handler(struct timer_list *timer)
{
	static DEFINE_MUTEX(mutex);

	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	complete(&timer_has_run);
}

static void sleep_in_softirq(void)
{
	in_timer(sleep_in_handler);
}

static void rcu_unprotected(void)
{
	static int __rcu *pointer;

	pr_info("the pointer was %p\n", rcu_dereference(pointer));
}

static noinline void leak(void)
{
	int i;

	/* Several, since an old value in a register may look like a use. */
	for (i = 0; i < 10; i++) {
		object = kzalloc(sizeof(*object), GFP_KERNEL);
		if (object)
			object->value = i + 1;
	}
	object = NULL;
}

static void shift_too_far(void)
{
	unsigned int scale = READ_ONCE(jiffies) ? 40 : 4;

	pr_info("the window is %u\n", 1U << scale);
}

/* Two count the same thing, without a lock. */

static int counter;

static int count(void *unused)
{
	while (!kthread_should_stop()) {
		counter++;
		cond_resched();
	}
	return 0;
}

static void race(void)
{
	struct task_struct *task[2];
	int i;

	for (i = 0; i < 2; i++)
		task[i] = kthread_run(count, NULL, "planted/%d", i);
	msleep(5000);
	for (i = 0; i < 2; i++) {
		if (!IS_ERR(task[i]))
			kthread_stop(task[i]);
	}
	pr_info("counted to %d\n", counter);
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "use_after_free", use_after_free },
	{ "free_armed_timer", free_armed_timer },
	{ "lock_inversion", lock_inversion },
	{ "softirqs_not_off", softirqs_not_off },
	{ "sleep_in_softirq", sleep_in_softirq },
	{ "rcu_unprotected", rcu_unprotected },
	{ "leak", leak },
	{ "shift_too_far", shift_too_far },
	{ "race", race },
};

static int __init planted_init(void)
{
	int i;

	if (!strcmp(fault, "none"))
		return 0;
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!strcmp(fault, faults[i].name)) {
			faults[i].commit();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);

MODULE_DESCRIPTION("Faults for the debug kernel to find");
MODULE_LICENSE("GPL");
