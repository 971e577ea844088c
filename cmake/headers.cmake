# header_check: every public header compiles alone, and twice in a row. Not part of `all`; ./dev lint builds it.
file(GLOB_RECURSE STARLING_PUBLIC_HEADERS CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/include"
     "${CMAKE_SOURCE_DIR}/include/*.hpp")
set(sources "")
foreach(header IN LISTS STARLING_PUBLIC_HEADERS)
  set(source "${CMAKE_BINARY_DIR}/header_check/${header}.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "#include \"${header}\"\n#include \"${header}\"\n" @ONLY)
  list(APPEND sources "${source}")
endforeach()
add_library(header_check OBJECT EXCLUDE_FROM_ALL ${sources})
target_include_directories(header_check PRIVATE "${CMAKE_SOURCE_DIR}/include")
target_compile_options(header_check PRIVATE -O0 -g0 -Werror)
target_link_libraries(header_check PRIVATE starling_flags)
