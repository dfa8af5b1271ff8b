// SPDX-License-Identifier: GPL-2.0
/*
 * explore - walk through everything that can happen between two TCPs
 *
 * Breadth-first over all worlds that can be reached in a scope (libworld.h,
 * libscopes.c). In each the checks of libcheck.c hold, or the shortest ladder
 * that leads to where they do not is printed; and from each, once the network
 * behaves, both ends must come to an end.
 */

#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "kselftest.h"
#include "libfigure.h"
#include "libladder.h"
#include "libqueue.h"
#include "libscopes.h"
#include "libstateset.h"

#define ANY STATE_COUNT		/* as a goal: whatever state */

/* The state that --reach asks for, of A and B or of either. */
struct goal {
	unsigned int state[ENDS];
	bool either;
};

/**
 * struct search - a walk through one scope
 * @scope: which
 * @params: its knobs
 * @goal: stop where it is reached; NULL: go on to the end
 * @set: the worlds reached
 * @queue: those of them to go on from, in the order of @set
 * @number: of the world that is being gone on from
 * @depth: events from the beginning to there
 * @events: events tried
 * @cut: events cut off, since more was on its way than the scope allows
 * @seconds: the time it took
 * @figure: arrows taken
 */
struct search {
	const struct scope *scope;
	struct tcb_params params;
	const struct goal *goal;
	struct stateset set;
	struct queue queue;
	u32 number;
	unsigned int depth;
	u64 events;
	u64 cut;
	double seconds;
	struct figure figure;
};

/* --------------------------------------------------------------- ladders */

/* Tell how world number @last is reached, and what happens after @then. */
static void tell(const struct search *search, u32 last,
		 const struct event *then, bool good)
{
	struct event *path;
	struct ladder ladder;
	struct world world;
	struct run run = {
		.scope = search->scope,
		.params = &search->params,
		.world = &world,
		.ladder = &ladder,
	};
	unsigned int count = 0;
	u32 at;

	path = must_realloc(NULL, (search->depth + 2) * sizeof(*path));
	for (at = last; at; at = search->set.parent[at])
		path[count++] = search->set.event[at];

	world_init(&world, search->scope);
	ladder_begin(&ladder, &world);
	while (count)
		world_step(&run, path[--count]);
	if (then)
		world_step(&run, *then);
	if (good) {
		ladder_good(&ladder);
		world_finish(&run);
	}
	ladder_end(&ladder, &world);
	if (run.violation)
		printf("# VIOLATION: %s\n", run.violation);
	free(path);
	fflush(stdout);
}

/* ---------------------------------------------------------------- the walk */

static bool is_goal(const struct goal *goal, const struct world *world)
{
	unsigned int who;

	for (who = 0; who < ENDS; who++) {
		bool there = goal->state[who] == ANY ||
			     goal->state[who] == end_state(&world->end[who]);

		if (there && goal->either)
			return true;
		if (!there && !goal->either)
			return false;
	}
	return !goal->either;
}

/* From a new world on, all must come to an end. */
static bool check_finish(const struct search *search, const struct world *from)
{
	struct world world = *from;
	struct run run = {
		.scope = search->scope,
		.params = &search->params,
		.world = &world,
	};

	world_finish(&run);
	return !run.violation;
}

/* Return: false if that was the end of the search. */
static bool try_event(struct search *search, const struct world *from,
		      struct event event)
{
	struct world world = *from;
	struct run run = {
		.scope = search->scope,
		.params = &search->params,
		.world = &world,
		.figure = &search->figure,
	};

	search->events++;
	world_step(&run, event);
	if (run.violation) {
		tell(search, search->number, &event, false);
		return false;
	}
	if (run.overflow) {
		search->cut++;
		return true;
	}
	if (!stateset_add(&search->set, &world, search->number, event))
		return true;
	queue_add(&search->queue, &world);
	if (search->goal && is_goal(search->goal, &world)) {
		tell(search, (u32)search->set.count - 1, NULL, false);
		return false;
	}
	if (!search->goal && !check_finish(search, &world)) {
		tell(search, (u32)search->set.count - 1, NULL, true);
		return false;
	}
	return true;
}

static bool try_events(struct search *search, const struct world *from)
{
	struct event event[EVENTS_MAX];
	unsigned int count, i;

	count = world_events(from, search->scope, event);
	for (i = 0; i < count; i++)
		if (!try_event(search, from, event[i]))
			return false;
	return true;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Return: true if all was seen and no check has failed. */
static bool search_run(struct search *search, const struct scope *scope,
		       const struct goal *goal)
{
	double begin = seconds();
	struct world world;
	u64 level_end = 1;	/* the number of the first that is deeper */
	bool complete = true;

	*search = (struct search) {
		.scope = scope,
		.params = world_params(scope),
		.goal = goal,
	};
	stateset_init(&search->set);
	world_init(&world, scope);
	stateset_add(&search->set, &world, 0, (struct event) { 0 });
	queue_add(&search->queue, &world);

	while (complete && search->queue.count) {
		if (search->number == level_end) {
			level_end = search->set.count;
			search->depth++;
		}
		queue_take(&search->queue, &world);
		complete = try_events(search, &world);
		search->number++;
	}
	queue_free(&search->queue);
	search->seconds = seconds() - begin;
	return complete;
}

/* ------------------------------------------------------------- the program */

static void report(const struct search *search)
{
	const struct stateset *set = &search->set;
	unsigned long long memory = stateset_memory(set) + search->queue.peak;

	printf("# %s: %s\n", search->scope->name, search->scope->about);
	printf("# %llu states, depth %u, %llu events tried, %llu cut off\n",
	       (unsigned long long)set->count, search->depth,
	       (unsigned long long)search->events,
	       (unsigned long long)search->cut);
	printf("# %.1f s, %.0f states/s, %llu MiB; two states taken for one: probability %.1e\n",
	       search->seconds, (double)set->count / search->seconds,
	       memory >> 20, stateset_doubt(set));
	fflush(stdout);
}

static bool wanted(const struct scope *scope, const char *name, bool deep)
{
	return name ? !strcmp(name, scope->name) : deep || !scope->deep;
}

static int explore(const char *name, bool deep)
{
	static struct search search;
	struct figure figure = { 0 };
	unsigned int count = 0, i, missing;
	u64 states = 0;
	bool passed;

	for (i = 0; i < scopes_count; i++)
		count += wanted(&scopes[i], name, deep);
	if (!count) {
		fprintf(stderr, "there is no such scope; see --list\n");
		return KSFT_FAIL;
	}
	ksft_print_header();
	ksft_set_plan(count + !name);

	for (i = 0; i < scopes_count; i++) {
		if (!wanted(&scopes[i], name, deep))
			continue;
		passed = search_run(&search, &scopes[i], NULL);
		report(&search);
		ksft_test_result(passed, "%s\n", scopes[i].name);
		figure_add(&figure, &search.figure);
		states += search.set.count;
		stateset_free(&search.set);
	}

	missing = figure_print(&figure, "# ");
	printf("# %llu states in all\n", (unsigned long long)states);
	if (!name)
		ksft_test_result(!missing, "every_arrow_of_figure_5\n");
	return ksft_get_fail_cnt() ? KSFT_FAIL : KSFT_PASS;
}

static unsigned int state_by_name(const char *name, size_t len)
{
	unsigned int state;

	for (state = 1; state < STATE_COUNT; state++)
		if (strlen(tcb_state_name(state)) == len &&
		    !strncmp(tcb_state_name(state), name, len))
			return state;
	fprintf(stderr, "no state is called %.*s\n", (int)len, name);
	exit(KSFT_FAIL);
}

/* "STATE" of either end, or "STATE,STATE" of A and B. */
static struct goal parse_goal(const char *text)
{
	size_t len = strcspn(text, ",");
	struct goal goal = { .either = !text[len] };

	goal.state[0] = state_by_name(text, len);
	goal.state[1] = goal.state[0];
	if (!goal.either)
		goal.state[1] = state_by_name(text + len + 1,
					      strlen(text + len + 1));
	return goal;
}

static int reach(const char *text, const char *name)
{
	static struct search search;
	struct goal goal = parse_goal(text);
	unsigned int i;
	bool found;

	for (i = 0; i < scopes_count; i++) {
		if (!wanted(&scopes[i], name, false))
			continue;
		printf("# %s, in scope %s\n", text, scopes[i].name);
		found = !search_run(&search, &scopes[i], &goal);
		stateset_free(&search.set);
		if (found)
			return KSFT_PASS;
		printf("# it is not reached\n");
	}
	return KSFT_FAIL;
}

static void list(void)
{
	unsigned int i;

	for (i = 0; i < scopes_count; i++)
		printf("%-20s %-6s %s\n", scopes[i].name,
		       scopes[i].deep ? "deep" : "quick", scopes[i].about);
}

static void usage(void)
{
	printf("explore                  explore the quick scopes, print TAP\n"
	       "explore --deep           and the deep ones\n"
	       "explore --scope NAME     that one alone\n"
	       "explore --reach STATE[,STATE] [--scope NAME]\n"
	       "                         the shortest ladder to that state, of\n"
	       "                         either end, or of A and of B\n"
	       "explore --list           the scopes\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "deep", no_argument, NULL, 'd' },
		{ "scope", required_argument, NULL, 's' },
		{ "reach", required_argument, NULL, 'r' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *name = NULL, *goal = NULL;
	bool deep = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			deep = true;
			break;
		case 's':
			name = optarg;
			break;
		case 'r':
			goal = optarg;
			break;
		case 'l':
			list();
			return KSFT_PASS;
		case 'h':
			usage();
			return KSFT_PASS;
		default:
			usage();
			return KSFT_FAIL;
		}
	}
	return goal ? reach(goal, name) : explore(name, deep);
}
