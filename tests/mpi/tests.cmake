ls_add_test(mpi/ranks_agree_and_share_values.c RANKS 1 2 3 4 SOURCES mpi/world.c)
ls_add_test(mpi/reducer_sums_in_tree_order.c RANKS 1 2 3 4 SOURCES mpi/world.c)
ls_add_test(mpi/training_steps_allocate_nothing.c RANKS 1 2 SOURCES mpi/world.c support/data.c)
ls_wrap_allocations(test_mpi_training_steps_allocate_nothing)
