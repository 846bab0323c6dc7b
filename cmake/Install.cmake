# `cmake --install build`: the program with its manual page, and liblockstep (core, dist and io in one shared library) for programs that
# bring their own training loop, with headers, a pkg-config file and a CMake package.
include(CMakePackageConfigHelpers)

add_library(lockstep_shared SHARED)
set(LS_EMPTY ${CMAKE_CURRENT_BINARY_DIR}/shared.c) # a shared library needs a source of its own
file(WRITE ${LS_EMPTY} "extern int ls_shared_library;\n")
target_sources(lockstep_shared PRIVATE ${LS_EMPTY})
target_link_libraries(lockstep_shared
    PRIVATE -Wl,--whole-archive $<TARGET_FILE:ls_core> $<TARGET_FILE:ls_dist> $<TARGET_FILE:ls_io>
            -Wl,--no-whole-archive
    PRIVATE MPI::MPI_C PkgConfig::OPENBLAS PkgConfig::HDF5 PkgConfig::ZLIB PkgConfig::XXHASH PkgConfig::JANSSON
            PkgConfig::PNG PkgConfig::JPEG ${CSV_LIBRARY} ${OpenMP_C_LIBRARIES} Threads::Threads m)
add_dependencies(lockstep_shared ls_core ls_dist ls_io)
set_target_properties(lockstep_shared PROPERTIES OUTPUT_NAME lockstep VERSION ${PROJECT_VERSION}
                      SOVERSION ${PROJECT_VERSION_MAJOR} EXPORT_NAME lockstep)
if(LS_SANITIZE)
    target_link_options(lockstep_shared PRIVATE -fsanitize=address,undefined)
endif()
target_include_directories(lockstep_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/lockstep>)

install(TARGETS lockstep RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS lockstep_shared EXPORT lockstep LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY core dist io DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lockstep FILES_MATCHING PATTERN "*.h"
        PATTERN "kernels" EXCLUDE PATTERN "*internal.h" EXCLUDE)
install(FILES cmake/lockstep.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lockstep)
set(LS_MANUAL ${CMAKE_CURRENT_BINARY_DIR}/lockstep.1)
add_custom_command(OUTPUT ${LS_MANUAL}
    COMMAND ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0
            ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:lockstep> -DVERSION=${PROJECT_VERSION} -DOUTPUT=${LS_MANUAL}
            -P ${PROJECT_SOURCE_DIR}/cmake/Manual.cmake
    DEPENDS lockstep ${PROJECT_SOURCE_DIR}/cmake/Manual.cmake COMMENT "" VERBATIM)
add_custom_target(ls_manual ALL DEPENDS ${LS_MANUAL})
install(FILES ${LS_MANUAL} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES README.md LICENSE docs/models.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/lockstep FILES_MATCHING PATTERN "*.yaml")

configure_file(cmake/lockstep.pc.in lockstep.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lockstep.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(EXPORT lockstep FILE LockstepTargets.cmake NAMESPACE Lockstep::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Lockstep)
configure_package_config_file(cmake/LockstepConfig.cmake.in LockstepConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Lockstep)
write_basic_package_version_file(LockstepConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/LockstepConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/LockstepConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Lockstep)
