# Flags of every target. Contraction is off: a fused multiply-add is written (ls_fma) or it is not there.
add_library(ls_flags INTERFACE)
target_include_directories(ls_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(ls_flags INTERFACE
    -ffp-contract=off -fno-math-errno -fno-trapping-math
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wundef
    -Wdouble-promotion)
# What Clang reads otherwise: INFINITY and NAN are floats to it, and enums of the C library are unsigned.
target_compile_options(ls_flags INTERFACE
    $<$<C_COMPILER_ID:Clang>:-Wno-double-promotion -Wno-sign-conversion -Wno-unknown-pragmas>)
target_compile_definitions(ls_flags INTERFACE _GNU_SOURCE)
if(LS_WERROR)
    target_compile_options(ls_flags INTERFACE -Werror)
endif()
if(LS_SANITIZE)
    # The three checks left out look at every address, as the address sanitizer does: a third of the compile time.
    target_compile_options(ls_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
                           -fno-sanitize=null,object-size,pointer-overflow -fno-omit-frame-pointer
                           # What would find a use after return (GCC 14 does it unasked) keeps frames at multiples of
                           # 32 bytes, where vectors of 64 crash.
                           $<$<C_COMPILER_ID:GNU>:--param=asan-use-after-return=0>
                           -Wno-format-truncation -Wno-stringop-truncation) # wrong beside instrumentation
    target_link_options(ls_flags INTERFACE -fsanitize=address,undefined)
    find_program(LS_GOLD ld.gold) # links a hundred tests in a quarter of the time
    if(LS_GOLD)
        target_link_options(ls_flags INTERFACE -fuse-ld=gold)
    endif()
endif()
if(LS_COVERAGE)
    target_compile_options(ls_flags INTERFACE --coverage)
    target_link_options(ls_flags INTERFACE --coverage)
endif()
if(LS_SANITIZE)
    set(CMAKE_C_FLAGS_RELEASE "-O1 -g1") # instrumented kernels take minutes to compile with more
else()
    set(CMAKE_C_FLAGS_RELEASE "-O3 -g1") # lines for profiles; all of -g costs a third of the compile time
endif()
