add_executable(checkpoint_writer faults/checkpoint_writer.c support/checkpoint_fixture.c)
target_link_libraries(checkpoint_writer PRIVATE ls_io)
ls_add_script(faults/checkpoints_survive_kills_and_full_disks.py BESIDE LABELS quick long
              ARGUMENTS $<TARGET_FILE:checkpoint_writer>)
add_executable(fake_worker faults/fake_worker.c)
target_link_libraries(fake_worker PRIVATE ls_launcher)
ls_add_script(faults/supervisor_says_why_a_job_ended_and_leaves_nothing_behind.py
              WAITS ARGUMENTS $<TARGET_FILE:fake_worker>)
ls_add_script(faults/a_lost_rank_is_started_again.py WAITS)
ls_add_script(faults/stopped_runs_continue_in_the_same_bits.py)
ls_add_script(faults/killed_runs_end_in_the_same_bits.py ARGUMENTS 3 NAME "3 killed runs end in the same bits" TIMEOUT 400)
ls_add_script(faults/killed_runs_end_in_the_same_bits.py ARGUMENTS 2 gan
              NAME "killed runs of two phases end in the same bits" TIMEOUT 400)
ls_add_script(faults/killed_runs_end_in_the_same_bits.py ARGUMENTS 2 gpt NEEDS_DATA
              NAME "killed runs over a text end in the same bits" TIMEOUT 400)
ls_add_script(faults/killed_runs_end_in_the_same_bits.py ARGUMENTS 2 vae NEEDS_DATA
              NAME "killed runs of two terms end in the same bits" TIMEOUT 400)
ls_add_script(faults/killed_runs_end_in_the_same_bits.py ARGUMENTS 3 lstm NEEDS_DATA LABELS long
              NAME "killed runs of a recurrence end in the same bits" TIMEOUT 900)
ls_add_script(faults/killed_runs_end_in_the_same_bits.py ARGUMENTS 20 NAME "20 killed runs end in the same bits"
              LABELS long TIMEOUT 1500)
ls_add_script(faults/a_bad_sample_on_one_rank_ends_all_ranks.py LABELS quick sanitize)
