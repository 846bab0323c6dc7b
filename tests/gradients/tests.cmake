# The sanitizers see every case of every op in every_op_keeps_its_bits, which runs it once, not for each input.
ls_add_test(gradients/every_op_matches_central_differences.c TIMEOUT 300 SOURCES gradients/trial.c SLOW)
ls_add_test(gradients/every_op_keeps_its_bits.c SOURCES gradients/trial.c)
ls_add_test(gradients/whole_models_match_central_differences.c TIMEOUT 300 SLOW)
ls_add_test(gradients/every_op_that_answers_becomes_onnx.c SOURCES gradients/trial.c)
