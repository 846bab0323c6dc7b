/* The command line and environment that make mpirun work on a laptop, in a container and in a batch
 * job. What the user has set already is left as it is. Settings are those of Open MPI 4 and, where
 * version 5 gave them to its run-time PRRTE under other names, of that, too: each version passes
 * over what it does not know. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "launcher/supervisor/internal.h"
#include "launcher/supervisor/reason.h"

extern char **environ;

/* name, value; for every job */
static const char *const settings[][2] = {
    {"OPENBLAS_NUM_THREADS", "1"}, /* ranks are the parallelism */
    {"HDF5_USE_FILE_LOCKING", "FALSE"},
    /* From 32 ranks on mpirun would start them in threads that end: that ends the ranks
       (ls_worker_guard). */
    {"OMPI_MCA_odls_base_cutoff", "1000000"},
    {"PRTE_MCA_odls_base_cutoff", "1000000"},
    /* one text, whole, for each rank (relay.c), and no lines about texts that were left out */
    {"OMPI_MCA_orte_base_help_aggregate", "0"},
    {"PRTE_MCA_prte_base_help_aggregate", "0"},
};

/* for one host: any number of ranks on any number of cores, no network, no launch daemon */
static const char *const settings_local[][2] = {
    {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
    {"PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"},
    {"OMPI_MCA_mpi_yield_when_idle", "1"},
    {"OMPI_MCA_pml", "ob1"},
    {"OMPI_MCA_btl", "self,vader"},
    {"OMPI_MCA_btl_vader_single_copy_mechanism", "none"}, /* containers forbid the other ones */
    {"OMPI_MCA_oob_tcp_if_include", "lo"},
    {"OMPI_MCA_plm", "isolated"},
};

/* on one host, and wherever ranks have threads: else mpirun may bind all of a rank to one core */
static const char *const settings_unbound[][2] = {
    {"OMPI_MCA_hwloc_base_binding_policy", "none"},
    {"PRTE_MCA_hwloc_default_binding_policy", "none"},
};

/* for more threads than cores: one that waits leaves its core to the others */
static const char *const settings_crowded[][2] = {
    {"OMP_WAIT_POLICY", "passive"},
};

static const char *const settings_root[][2] = {
    {"OMPI_ALLOW_RUN_AS_ROOT", "1"},
    {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
    {"PRTE_ALLOW_RUN_AS_ROOT", "1"},
    {"PRTE_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
};

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

struct list {
    char **items;
    int count;
};

static void list_add(struct list *list, const char *text) {
    list->items = ls_realloc(list->items, (size_t)list->count + 2, sizeof *list->items);
    list->items[list->count++] = ls_strdup(text);
    list->items[list->count] = NULL;
}

static void list_add_setting(struct list *list, const char *name, const char *value) {
    char text[4096 + 64];
    snprintf(text, sizeof text, "%s=%s", name, value);
    list_add(list, text);
}

static void add_settings(struct list *list, const char *const (*table)[2], int count) {
    for (int i = 0; i < count; i++)
        if (!getenv(table[i][0]))
            list_add_setting(list, table[i][0], table[i][1]);
}

/* A batch system gave us hosts, or the user names some: Open MPI then knows better how to reach
 * them. */
bool ls_launch_local(const struct ls_launch *launch) {
    const char *arguments = launch->options->mpirun_arguments;
    static const char *const given[] = {"SLURM_JOB_NODELIST", "PBS_NODEFILE", "LSB_DJOB_HOSTFILE",
                                        "PE_HOSTFILE"};
    for (int i = 0; i < COUNT(given); i++)
        if (getenv(given[i]))
            return false;
    return !strstr(arguments, "host") && !strstr(arguments, "machinefile");
}

bool ls_launch_saves(const struct ls_launch *launch) {
    return !strcmp(launch->command, "worker");
}

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static struct list list_environment(const struct ls_launch *launch,
                                    const struct ls_scratch *scratch, bool local) {
    struct list list = {0};
    for (char **entry = environ; *entry; entry++)
        if (!starts_with(*entry, "LOCKSTEP_TERMINAL=") &&
            !starts_with(*entry, "LOCKSTEP_LAUNCHER=") &&
            !starts_with(*entry, LS_REASON_VARIABLE "=") &&
            !(local && starts_with(*entry, "SLURM_"))) /* else Open MPI would call srun */
            list_add(&list, *entry);
    add_settings(&list, settings, COUNT(settings));
    list_add_setting(&list, LS_REASON_VARIABLE, launch->run);
    if (geteuid() == 0)
        add_settings(&list, settings_root, COUNT(settings_root));
    if (isatty(STDERR_FILENO)) /* ranks write into pipes and cannot tell */
        list_add_setting(&list, "LOCKSTEP_TERMINAL", "1");
    if (local || launch->threads > 1)
        add_settings(&list, settings_unbound, COUNT(settings_unbound));
    if (!local)
        return list;
    if (launch->threads > 1 && launch->ranks * launch->threads > ls_cores())
        add_settings(&list, settings_crowded, COUNT(settings_crowded));
    add_settings(&list, settings_local, COUNT(settings_local));
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    list_add_setting(&list, "LOCKSTEP_LAUNCHER", pid);
    if (scratch->path[0]) {
        list_add_setting(&list, "OMPI_MCA_btl_vader_backing_directory", scratch->path);
        list_add_setting(&list, "OMPI_MCA_btl_sm_backing_directory", scratch->path);
        list_add_setting(&list, "OMPI_MCA_osc_sm_backing_directory", scratch->path);
        list_add_setting(&list, "OMPI_MCA_orte_tmpdir_base", scratch->path);
        list_add_setting(&list, "PRTE_MCA_prte_tmpdir_base", scratch->path);
    }
    return list;
}

/* Words between blanks; a path with blanks belongs into a file that mpirun reads. */
static void add_words(struct list *list, const char *text) {
    char *copy = ls_strdup(text), *rest = NULL;
    for (char *word = strtok_r(copy, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest))
        list_add(list, word);
    free(copy);
}

/* -x NAME: to ranks on other hosts. Open MPI forwards its own settings itself. */
static void add_forwarded(struct list *list, const struct list *environment) {
    static const char *const prefixes[] = {"LOCKSTEP_", "OPENBLAS_", "HDF5_", "OMP_"};
    for (int i = 0; i < environment->count; i++)
        for (int p = 0; p < COUNT(prefixes); p++)
            if (starts_with(environment->items[i], prefixes[p])) {
                char name[256];
                snprintf(name, sizeof name, "%.*s", (int)strcspn(environment->items[i], "="),
                         environment->items[i]);
                list_add(list, "-x");
                list_add(list, name);
            }
}

struct ls_mpirun ls_mpirun_create(const struct ls_launch *launch,
                                  const struct ls_scratch *scratch) {
    const bool local = ls_launch_local(launch);
    const struct list environment = list_environment(launch, scratch, local);
    struct list list = {0};
    char ranks[32];
    snprintf(ranks, sizeof ranks, "%d", launch->ranks);
    list_add(&list, launch->options->mpirun[0] ? launch->options->mpirun : "mpirun");
    list_add(&list, "-n");
    list_add(&list, ranks);
    if (!local)
        add_forwarded(&list, &environment);
    add_words(&list, launch->options->mpirun_arguments);
    list_add(&list, launch->program);
    list_add(&list, launch->command);
    for (char *const *argument = launch->arguments; *argument; argument++)
        list_add(&list, *argument);
    return (struct ls_mpirun){.arguments = list.items, .environment = environment.items};
}

/* In quotes, unless it means itself to a shell. */
static void print_word(FILE *out, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./:=,+@%";
    if (*word && word[strspn(word, plain)] == '\0') {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    fputc('\'', out);
}

char *ls_mpirun_print(const struct ls_mpirun *mpirun) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LS_ASSERT(out, "no memory for a command line");
    for (char *const *word = mpirun->arguments; *word; word++) {
        if (word != mpirun->arguments)
            fputc(' ', out);
        print_word(out, *word);
    }
    fclose(out);
    return text;
}

static void free_list(char **items) {
    for (char **item = items; *item; item++)
        free(*item);
    free(items);
}

void ls_mpirun_destroy(struct ls_mpirun *mpirun) {
    free_list(mpirun->arguments);
    free_list(mpirun->environment);
}
