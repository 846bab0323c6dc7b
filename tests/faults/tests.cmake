add_executable(checkpoint_writer faults/checkpoint_writer.c support/checkpoint_fixture.c)
target_link_libraries(checkpoint_writer PRIVATE ls_io)
ls_add_script(faults/checkpoints_survive_kills_and_full_disks.py LABELS quick long
              ARGUMENTS $<TARGET_FILE:checkpoint_writer>)
