# Examples: each is also run as a test.
add_executable(http_over_libp2p examples/http_over_libp2p.cpp)
target_link_libraries(http_over_libp2p PRIVATE starling_runtime Boost::headers starling_flags)
if(STARLING_BUILD_TESTS)
  add_test(NAME examples/http_over_libp2p COMMAND http_over_libp2p)
  set_tests_properties(examples/http_over_libp2p PROPERTIES TIMEOUT 60)
endif()
