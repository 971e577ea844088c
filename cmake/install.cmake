# Installation: programs, libraries, public headers, find_package(starling), licences; and Debian packages of them.
# Two components: `programs` (package starling) and `development` (package libstarling-dev).
# The target `installed` is all of it; packing builds nothing more.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(STARLING_CONFIG_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/starling")

# Layers that are programs' insides, not libraries for others.
set(STARLING_NOT_EXPORTED cli)

# starling::starling is every layer at once; starling::base, starling::protocols_ping and so on are single ones.
add_library(starling_all INTERFACE)
add_library(starling::starling ALIAS starling_all)
set_target_properties(starling_all PROPERTIES EXPORT_NAME starling)
set(exported starling_all)
add_custom_target(installed)
foreach(layer IN LISTS STARLING_LAYERS)
  if(NOT layer IN_LIST STARLING_NOT_EXPORTED)
    starling_layer_target("${layer}" target)
    string(REPLACE "/" "_" name "${layer}")
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
    target_link_libraries(starling_all INTERFACE ${target})
    list(APPEND exported ${target})
    add_dependencies(installed ${target})
  endif()
endforeach()
target_compile_features(starling_all INTERFACE cxx_std_23)

install(TARGETS ${exported} EXPORT starlingTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT starlingTargets NAMESPACE starling:: DESTINATION "${STARLING_CONFIG_DIR}" COMPONENT development)
install(DIRECTORY "${CMAKE_SOURCE_DIR}/include/starling" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        COMPONENT development FILES_MATCHING PATTERN "*.hpp" PATTERN "*.def")

configure_package_config_file("${CMAKE_SOURCE_DIR}/cmake/starlingConfig.cmake.in"
                              "${CMAKE_BINARY_DIR}/starlingConfig.cmake" INSTALL_DESTINATION "${STARLING_CONFIG_DIR}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/starlingConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/starlingConfig.cmake" "${CMAKE_BINARY_DIR}/starlingConfigVersion.cmake"
        DESTINATION "${STARLING_CONFIG_DIR}" COMPONENT development)

foreach(program IN ITEMS starling starling-interop)
  if(TARGET ${program})
    add_dependencies(installed ${program})
    install(TARGETS ${program} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT programs)
  endif()
endforeach()
# The manual page and the completions come out of the program itself.
if(TARGET starling)
  set(documents "${CMAKE_BINARY_DIR}/documents")
  add_custom_command(TARGET starling POST_BUILD VERBATIM
    COMMAND "${CMAKE_COMMAND}" -DPROGRAM=$<TARGET_FILE:starling> "-DFOLDER=${documents}" -P "${CMAKE_SOURCE_DIR}/cmake/documents.cmake")
  install(DIRECTORY "${documents}/" DESTINATION "${CMAKE_INSTALL_DATADIR}" COMPONENT programs)
endif()
foreach(component IN ITEMS programs development)
  install(FILES "${CMAKE_SOURCE_DIR}/LICENSE-MIT" "${CMAKE_SOURCE_DIR}/LICENSE-APACHE" "${CMAKE_SOURCE_DIR}/README.md"
          DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT ${component})
endforeach()

set(CPACK_PACKAGE_NAME starling)
set(CPACK_PACKAGE_VENDOR "Starling")
set(CPACK_PACKAGE_CONTACT "The Starling developers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_COMPONENTS_ALL programs development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME starling)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libstarling-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libboost1.81-dev, libboost-json1.81-dev, libssl-dev, libsodium-dev, libsqlite3-dev, libc-ares-dev, libfmt-dev, pkg-config")
if(STARLING_HAVE_QUIC)
  # Before this one a second hello without a ticket ended a server that takes tickets (CVE-2025-6395).
  set(CPACK_DEBIAN_PROGRAMS_PACKAGE_DEPENDS "libgnutls30 (>= 3.7.9-2+deb12u5)")
  string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libngtcp2-dev, libngtcp2-crypto-gnutls-dev, libgnutls28-dev")
endif()
include(CPack)
