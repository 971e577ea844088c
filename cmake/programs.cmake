# The programs: everything that two of them could share is in the layers.
add_executable(starling src/cli/starling_main.cpp)

# The test program of the official interoperability suites; redis is where both sides of such a test meet.
file(GLOB STARLING_INTEROP_SOURCES CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/cli/interop/*.cpp")
add_executable(starling-interop ${STARLING_INTEROP_SOURCES})
target_link_libraries(starling-interop PRIVATE PkgConfig::HIREDIS)

foreach(program IN ITEMS starling starling-interop)
  target_include_directories(${program} PRIVATE "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(${program} PRIVATE starling_cli ${STARLING_EXTERNAL_cli} starling_flags)
endforeach()
