ls_add_test(gradients/every_op_matches_central_differences.c TIMEOUT 300 SOURCES gradients/trial.c)
ls_add_test(gradients/every_op_keeps_its_bits.c SOURCES gradients/trial.c)
ls_add_test(gradients/whole_models_match_central_differences.c TIMEOUT 300 SLOW)
