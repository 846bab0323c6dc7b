ls_add_test(mpi/ranks_agree_and_share_values.c RANKS 1 2 3 4 SOURCES mpi/world.c)
ls_add_test(mpi/reducer_sums_in_tree_order.c RANKS 1 2 3 4 SOURCES mpi/world.c)
