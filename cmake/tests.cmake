# Tests above the layers.
# Whole nodes: in the simulator, and under attack.
function(starling_add_node_tests name folder)
  include(GoogleTest)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/${folder}/*.cpp" "${CMAKE_SOURCE_DIR}/tests/support/*.cpp")
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/tests")
  foreach(layer IN LISTS STARLING_LAYERS)
    if(NOT layer MATCHES "^(cli|apps)")  # programs are not under test here
      starling_layer_target("${layer}" library)
      target_link_libraries(${name} PRIVATE ${library} ${STARLING_EXTERNAL_${layer}})
    endif()
  endforeach()
  target_link_libraries(${name} PRIVATE starling_flags)
  target_link_libraries(${name} PRIVATE GTest::gmock GTest::gtest_main)
  starling_use_test_pch(${name})
  gtest_discover_tests(${name} TEST_PREFIX "${folder}/" PROPERTIES LABELS ${folder} TIMEOUT 600 DISCOVERY_TIMEOUT 60)
endfunction()
starling_add_node_tests(starling_sim_test sim)
starling_add_node_tests(starling_hostile_test hostile)

# The programs, as their users see them.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME e2e/starling COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/e2e/cli_test.py" $<TARGET_FILE:starling>)
set_tests_properties(e2e/starling PROPERTIES TIMEOUT 300)
add_test(NAME e2e/names COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/e2e/names_test.py" $<TARGET_FILE:starling>)
set_tests_properties(e2e/names PROPERTIES TIMEOUT 120)
add_test(NAME e2e/systemd COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/e2e/systemd_test.py" $<TARGET_FILE:starling>)
set_tests_properties(e2e/systemd PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)
# What turns measurements into tables; the measurements themselves are no test.
add_test(NAME bench/figures COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/bench/figures_test.py")
set_tests_properties(bench/figures PROPERTIES TIMEOUT 60)
