ls_add_script(integration/checkpoint_index_opens_in_h5py.py ARGUMENTS $<TARGET_FILE:checkpoint_writer>)
ls_add_script(integration/imports_match_what_numpy_reads.py NEEDS_DATA)
ls_add_script(integration/files_are_read_as_h5py_and_numpy_write_them.py TIMEOUT 300)
ls_add_script(integration/windows_over_raw_data_train_and_predict.py NEEDS_DATA TIMEOUT 300)
ls_add_script(integration/help_comes_from_the_tables.py)
ls_add_script(integration/models_page_shows_what_inspect_says.py NEEDS_DATA)
ls_add_script(integration/models_make_things_up.py NEEDS_DATA TIMEOUT 300)
ls_add_script(integration/a_run_says_what_it_did.py)
ls_add_script(integration/a_run_goes_on_whatever_happens_around_it.py)
ls_add_script(integration/training_follows_its_settings.py)
ls_add_script(integration/runs_start_from_other_runs.py)
ls_add_script(integration/metrics_match_scikit_learn.py)
ls_add_script(integration/threads_are_used_as_told.py LABELS quick sanitize TIMEOUT 600)
ls_add_script(integration/bad_input_is_explained.py)
ls_add_script(integration/tables_are_read_like_the_training_data.py)
ls_add_script(integration/tables_match_scikit_learn.py)
ls_add_script(integration/inspect_shows_what_a_config_costs.py)
ls_add_script(integration/doctor_finds_what_stops_training.py)
ls_add_script(integration/workloads_are_those_of_the_peer.py ARGUMENTS mlp gpt_small vae dcgan)
ls_add_script(integration/workloads_are_those_of_the_peer.py ARGUMENTS cnn resnet20 lstm gpt_medium vit LABELS long
              NAME "large workloads are those of the peer, too")
ls_add_script(integration/kernels_are_checked_before_they_are_timed.py)
ls_add_script(integration/checkpoint_command_finds_damage.py)
ls_add_script(integration/folders_include_only_what_the_layers_allow.py)
ls_add_script(integration/allreduce_is_checked_before_it_is_timed.py)
ls_add_script(integration/programs_build_against_an_install_tree.py)
foreach(case mlp cnn resnet table-adam table-lamb gan names phases lstm gpt vae)
    set(needs)
    if(case MATCHES "lstm|gpt|vae")
        set(needs NEEDS_DATA)
    endif()
    ls_add_script(integration/runs_end_in_the_same_bits_on_any_number_of_ranks.py ARGUMENTS ${case} ${needs}
                  NAME "runs of ${case} end in the same bits on 1, 2, 3 and 4 ranks")
    if(NOT case STREQUAL lstm) # takes minutes; unit tests run its ops under the sanitizers
        ls_add_script(integration/runs_end_in_the_same_bits_on_any_number_of_ranks.py ARGUMENTS ${case} 2 ${needs}
                      LABELS sanitize NAME "a run of ${case} on 2 ranks is clean" TIMEOUT 600)
    endif()
endforeach()
ls_add_script(integration/runs_end_in_the_same_bits_on_any_number_of_ranks.py ARGUMENTS tied
              NAME "runs of tied weights end in the same bits on 1, 2, 3 and 4 ranks, stopped or not")
ls_add_script(integration/every_config_reaches_its_accuracy.py ARGUMENTS shakespeare-gpt validation.loss -1.82 3
              NAME "the GPT reaches 1.82 nats per character in 3 minutes" NEEDS_DATA LABELS long TIMEOUT 400)
ls_add_script(integration/every_config_reaches_its_accuracy.py ARGUMENTS shakespeare-lstm validation.loss -1.55 20
              NAME "the LSTM reaches 1.55 nats per character in 20 minutes" NEEDS_DATA LABELS long TIMEOUT 1500)
ls_add_script(integration/every_config_reaches_its_accuracy.py ARGUMENTS eng-fra-transformer bleu 30 40
              NAME "the transformer translates with BLEU 30 in 40 minutes" NEEDS_DATA LABELS long TIMEOUT 2500)
ls_add_script(integration/every_config_reaches_its_accuracy.py ARGUMENTS eng-fra-lstm bleu 20 30
              NAME "the LSTM with attention translates with BLEU 20 in 30 minutes" NEEDS_DATA LABELS long TIMEOUT 1900)
ls_add_script(integration/every_config_reaches_its_accuracy.py ARGUMENTS mnist-vae elbo -108 5
              NAME "the VAE reaches an ELBO of -108 nats" NEEDS_DATA TIMEOUT 400)
ls_add_script(integration/every_config_reaches_its_accuracy.py ARGUMENTS breast-cancer-perceptron accuracy 0.95
              NAME "the perceptron tells tumours apart" NEEDS_DATA)
ls_add_script(integration/every_config_reaches_its_accuracy.py ARGUMENTS concrete-mlp r2 0.85
              NAME "the regression predicts concrete's strength" NEEDS_DATA)
ls_add_script(integration/every_config_reaches_its_accuracy.py ARGUMENTS fashion-mnist-mlp accuracy 0.885 10
              NAME "the MLP reaches 0.885 on Fashion-MNIST" TIMEOUT 900 LABELS long)
ls_add_script(integration/every_config_reaches_its_accuracy.py ARGUMENTS fashion-mnist-cnn accuracy 0.915 5
              NAME "the CNN reaches 0.915 on Fashion-MNIST in 5 minutes" TIMEOUT 400 LABELS long)
ls_add_script(integration/every_config_reaches_its_accuracy.py ARGUMENTS fashion-mnist-resnet accuracy 0.92 60
              NAME "the ResNet reaches 0.92 on Fashion-MNIST in an hour" TIMEOUT 3700 LABELS long)
ls_add_script(integration/images_of_a_gan_look_real.py LABELS long TIMEOUT 2700)
# Hosts made of namespaces need root and a kernel that lets it make them.
execute_process(COMMAND unshare --mount --net --uts true RESULT_VARIABLE no_namespaces OUTPUT_QUIET ERROR_QUIET)
if(no_namespaces)
    message(STATUS "namespaces cannot be made here (root?): the test of ranks on two hosts is not registered")
else()
    ls_add_script(integration/ranks_on_two_hosts_end_in_the_same_bits.py)
endif()
