# Root makes roots; where debootstrap is, or one was made before.
execute_process(COMMAND id -u OUTPUT_VARIABLE user OUTPUT_STRIP_TRAILING_WHITESPACE)
find_program(LS_DEBOOTSTRAP debootstrap PATHS /usr/sbin)
if(user EQUAL 0 AND (LS_DEBOOTSTRAP OR DEFINED ENV{LOCKSTEP_DEBIAN13}))
    add_test(NAME "distributions: debian 13 ends in the same bits"
             COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/distributions/debian13 $<TARGET_FILE:lockstep>)
    set_tests_properties("distributions: debian 13 ends in the same bits" PROPERTIES LABELS long TIMEOUT 10800
                         RUN_SERIAL ON)
endif()
find_program(LS_SLURM slurmctld PATHS /usr/sbin)
if(user EQUAL 0 AND LS_SLURM)
    ls_add_script(distributions/slurm_queues_a_stopped_job_again.py LABELS long)
endif()
