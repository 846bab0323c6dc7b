ls_add_script(integration/checkpoint_index_opens_in_h5py.py BESIDE ARGUMENTS $<TARGET_FILE:checkpoint_writer>)
ls_add_script(integration/imports_match_what_numpy_reads.py BESIDE NEEDS_DATA)
ls_add_script(integration/files_are_read_as_h5py_and_numpy_write_them.py BESIDE TIMEOUT 300)
ls_add_script(integration/windows_over_raw_data_train_and_predict.py BESIDE NEEDS_DATA TIMEOUT 300)
ls_add_script(integration/folders_of_images_become_data.py BESIDE)
ls_add_script(integration/help_comes_from_the_tables.py BESIDE)
ls_add_script(integration/models_page_shows_what_inspect_says.py BESIDE NEEDS_DATA)
ls_add_script(integration/models_make_things_up.py BESIDE NEEDS_DATA TIMEOUT 300)
ls_add_script(integration/explanations_keep_their_axioms.py BESIDE)
ls_add_script(integration/pictures_say_what_they_show.py BESIDE)
ls_add_script(integration/attributions_find_planted_evidence.py BESIDE)
ls_add_script(integration/onnx_models_answer_like_predict.py BESIDE
              ARGUMENTS $<TARGET_FILE:test_gradients_every_op_that_answers_becomes_onnx>)
ls_add_script(integration/a_run_says_what_it_did.py BESIDE)
ls_add_script(integration/a_run_goes_on_whatever_happens_around_it.py)
ls_add_script(integration/training_follows_its_settings.py BESIDE)
ls_add_script(integration/runs_start_from_other_runs.py BESIDE)
ls_add_script(integration/weights_go_out_and_come_in.py ARGUMENTS resnet gpt2 classifier recurrent translator BESIDE)
ls_add_script(integration/weights_go_out_and_come_in.py BESIDE LABELS long NAME "weights of all recorded models come in")
ls_add_script(integration/metrics_match_scikit_learn.py BESIDE)
ls_add_script(integration/threads_are_used_as_told.py LABELS quick sanitize TIMEOUT 600)
ls_add_script(integration/bad_input_is_explained.py BESIDE)
ls_add_script(integration/tables_are_read_like_the_training_data.py BESIDE)
ls_add_script(integration/tables_match_scikit_learn.py BESIDE)
ls_add_script(integration/inspect_shows_what_a_config_costs.py BESIDE)
ls_add_script(integration/reports_show_what_a_run_holds.py BESIDE)
ls_add_script(integration/doctor_finds_what_stops_training.py)
ls_add_script(integration/workloads_are_those_of_the_peer.py ARGUMENTS mlp gpt_small vae dcgan)
ls_add_script(integration/workloads_are_those_of_the_peer.py ARGUMENTS cnn resnet20 lstm gpt_medium vit LABELS long
              NAME "large workloads are those of the peer, too")
ls_add_script(integration/kernels_are_checked_before_they_are_timed.py)
ls_add_script(integration/checkpoint_command_finds_damage.py BESIDE)
ls_add_script(integration/folders_include_only_what_the_layers_allow.py BESIDE)
ls_add_script(integration/allreduce_is_checked_before_it_is_timed.py)
ls_add_script(integration/programs_build_against_an_install_tree.py BESIDE)
foreach(case mlp cnn resnet table-adam table-lamb gan names phases lstm gpt vae)
    set(needs)
    if(case MATCHES "lstm|gpt|vae")
        set(needs NEEDS_DATA)
    endif()
    ls_add_script(integration/runs_end_in_the_same_bits_on_any_number_of_ranks.py ARGUMENTS ${case} ${needs}
                  NAME "runs of ${case} end in the same bits on 1, 2, 3 and 4 ranks")
    set(label sanitize)
    if(case MATCHES "mlp|table-lamb|phases") # what they add to cnn, table-adam and gan, unit tests run under the sanitizers
        set(label long)
    endif()
    if(NOT case STREQUAL lstm) # takes minutes; unit tests run its ops under the sanitizers
        ls_add_script(integration/runs_end_in_the_same_bits_on_any_number_of_ranks.py ARGUMENTS ${case} 2 ${needs}
                      LABELS ${label} NAME "a run of ${case} on 2 ranks is clean" TIMEOUT 600)
    endif()
endforeach()
ls_add_script(integration/runs_end_in_the_same_bits_on_any_number_of_ranks.py ARGUMENTS tied
              NAME "runs of tied weights end in the same bits on 1, 2, 3 and 4 ranks, stopped or not")
ls_add_script(integration/families_match_pytorch.py ARGUMENTS perceptron convolutional residual gru lstm_that_looks_back gpt
              encoder_and_decoder BESIDE)
ls_add_script(integration/families_match_pytorch.py BESIDE LABELS long NAME "all families match pytorch")
ls_add_script(integration/every_config_learns.py NEEDS_DATA TIMEOUT 300)
ls_add_script(integration/every_config_ends_in_the_same_bits.py NEEDS_DATA LABELS long TIMEOUT 3700)
# What each must reach stands in benchmarks/quality. Those of a few seconds are quick.
foreach(config breast-cancer-perceptron concrete-mlp mnist-vae)
    ls_add_script(integration/every_config_reaches_its_quality.py ARGUMENTS ${config} NEEDS_DATA TIMEOUT 400
                  NAME "${config} reaches its quality")
endforeach()
foreach(config fashion-mnist-mlp fashion-mnist-cnn fashion-mnist-resnet fashion-mnist-dcgan fashion-mnist-code
        fashion-mnist-upscale fashion-mnist-deep-tanh fashion-mnist-denoising
        fashion-mnist-prototypes fashion-mnist-vit)
    ls_add_script(integration/every_config_reaches_its_quality.py ARGUMENTS ${config} LABELS long TIMEOUT 3700
                  NAME "${config} reaches its quality")
endforeach()
foreach(config shakespeare-gpt shakespeare-lstm eng-fra-transformer eng-fra-lstm names-rnn names-gru etth1-lstm etth1-conv
        sunspots-lstm mnist-cnn shuttle-autoencoder signdigits-siamese functions-mlp signdigits-resnet110
        signdigits-plain110 mnist-cvae digits-detect names-gpt shakespeare-speaker
        shakespeare-bert shakespeare-bert-finetune adding-rnn adding-lstm signdigits-concepts)
    ls_add_script(integration/every_config_reaches_its_quality.py ARGUMENTS ${config} NEEDS_DATA LABELS long TIMEOUT 3700
                  NAME "${config} reaches its quality")
endforeach()
# Hosts made of namespaces need root and a kernel that lets it make them.
execute_process(COMMAND unshare --mount --net --uts true RESULT_VARIABLE no_namespaces OUTPUT_QUIET ERROR_QUIET)
if(no_namespaces)
    message(STATUS "namespaces cannot be made here (root?): the test of ranks on two hosts is not registered")
else()
    ls_add_script(integration/ranks_on_two_hosts_end_in_the_same_bits.py)
endif()
