# A room is one folder and one library: interceptor_room(<name> SOURCES ... [PUBLIC ...] [PRIVATE ...] [TESTS ...]).
# TESTS make one test program per room, <name>_test, registered once with CTest. With SANITIZED the room's tests
# carry that label: tests/run runs them in the asan-ubsan build.
# interceptor_program(<name> SOURCES ... LIBS ...) makes one executable in build/<preset>/bin; with FOR_TESTS it is
# no part of what runs outside the tests.
# Targets over all rooms: programs, tests_sanitized (those tests and what they start), tests_plain (all others).

if(INTERCEPTOR_COORDINATOR OR INTERCEPTOR_WORKER)
  find_package(PkgConfig REQUIRED)
endif()
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)

find_program(INTERCEPTOR_CCACHE ccache)
if(INTERCEPTOR_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${INTERCEPTOR_CCACHE})
endif()

# Files that include LibTorch need over 1 GB each to compile: two at once at most.
set_property(GLOBAL PROPERTY JOB_POOLS torch=2)

add_library(interceptor_flags INTERFACE)
target_include_directories(interceptor_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(interceptor_flags INTERFACE -Wall -Wextra -Werror=switch -Werror=return-type)
if(INTERCEPTOR_WARNINGS_AS_ERRORS)
  target_compile_options(interceptor_flags INTERFACE -Werror)
endif()
if(INTERCEPTOR_SANITIZE)
  add_compile_options(-fsanitize=${INTERCEPTOR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${INTERCEPTOR_SANITIZE})
endif()

# The test framework and the helpers that tests of several rooms share; compiled once.
if(INTERCEPTOR_TESTS)
  find_package(Catch2 REQUIRED)
  add_library(tests_support STATIC
    ${CMAKE_SOURCE_DIR}/tests/support/faulty_file_system.cc
    ${CMAKE_SOURCE_DIR}/tests/support/main.cc
    ${CMAKE_SOURCE_DIR}/tests/support/scratch_folder.cc)
  target_link_libraries(tests_support PUBLIC Catch2::Catch2 common_io interceptor_flags)
  # Catch2's own implementation is 18,000 lines: optimised under a sanitizer it alone takes over a minute.
  set_source_files_properties(${CMAKE_SOURCE_DIR}/tests/support/main.cc TARGET_DIRECTORY tests_support
    PROPERTIES COMPILE_OPTIONS "-O0;-fno-sanitize=all")
endif()

# Everything that runs outside the tests, and the tests by the build that runs them.
add_custom_target(programs)
add_custom_target(tests_plain)
add_custom_target(tests_sanitized)

function(interceptor_room name)
  cmake_parse_arguments(ARG "SANITIZED" "JOB_POOL" "SOURCES;PUBLIC;PRIVATE;TESTS;TEST_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  add_library(interceptor::${name} ALIAS ${name})
  target_link_libraries(${name} PUBLIC interceptor_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  if(ARG_JOB_POOL)
    set_property(TARGET ${name} PROPERTY JOB_POOL_COMPILE ${ARG_JOB_POOL})
  endif()
  if(INTERCEPTOR_TESTS AND ARG_TESTS)
    add_executable(${name}_test ${ARG_TESTS})
    target_link_libraries(${name}_test PRIVATE ${name} tests_support ${ARG_TEST_LIBS})
    # Half the time to compile, and nobody waits for a test's own code.
    target_compile_options(${name}_test PRIVATE -O1)
    add_test(NAME ${name} COMMAND ${name}_test)
    if(ARG_SANITIZED)
      set_tests_properties(${name} PROPERTIES LABELS sanitized)
      add_dependencies(tests_sanitized ${name}_test)
    else()
      add_dependencies(tests_plain ${name}_test)
    endif()
  endif()
endfunction()

function(interceptor_program name)
  cmake_parse_arguments(ARG "FOR_TESTS" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE interceptor_flags ${ARG_LIBS})
  # It reads the command line, by templates that take a quarter longer to optimise further.
  set_source_files_properties(main.cc PROPERTIES COMPILE_OPTIONS -O1)
  if(ARG_FOR_TESTS)
    add_dependencies(tests_plain ${name})
  else()
    add_dependencies(programs ${name})
  endif()
endfunction()
