# Install and export: find_package(sextant CONFIG), pkg-config, both relocatable.
include(CMakePackageConfigHelpers)

set(sextant_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/sextant")

install(TARGETS sextant EXPORT sextantTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT sextantTargets NAMESPACE sextant:: DESTINATION "${sextant_config_dir}")

configure_file("${PROJECT_SOURCE_DIR}/cmake/sextantConfig.cmake.in" "${PROJECT_BINARY_DIR}/sextantConfig.cmake" @ONLY)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/sextantConfigVersion.cmake"
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMajorVersion)
install(FILES "${PROJECT_BINARY_DIR}/sextantConfig.cmake" "${PROJECT_BINARY_DIR}/sextantConfigVersion.cmake"
  DESTINATION "${sextant_config_dir}")

# pkg-config: the prefix is found from where the .pc file lies, so that a moved tree still works.
set(pc_dir "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH sextant_pc_prefix "${pc_dir}" "${CMAKE_INSTALL_PREFIX}")
file(RELATIVE_PATH sextant_pc_libdir "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
file(RELATIVE_PATH sextant_pc_includedir "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
string(REGEX REPLACE "/$" "" sextant_pc_prefix "${sextant_pc_prefix}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/sextant.pc.in" "${PROJECT_BINARY_DIR}/sextant.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/sextant.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
