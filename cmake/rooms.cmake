# A room is a folder: one library, and one include root that shows nothing but this folder. A room sees the roots of what
# it links, so an include of any other room is "No such file", whoever writes it.

function(valleydrift_room path)  # valleydrift_room(validation/compare what it links...)
  get_filename_component(name ${path} NAME)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/cli/main\\.cpp$")
  set(root ${PROJECT_BINARY_DIR}/rooms/${name})
  cmake_path(GET path PARENT_PATH parent)
  file(MAKE_DIRECTORY ${root}/${parent})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${path} ${root}/${path} SYMBOLIC)
  add_library(valleydrift_${name} STATIC ${sources})
  add_library(valleydrift::${name} ALIAS valleydrift_${name})
  target_include_directories(valleydrift_${name} PUBLIC $<BUILD_INTERFACE:${root}>)
  target_link_libraries(valleydrift_${name} PUBLIC ${ARGN})
  set_target_properties(valleydrift_${name} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY valleydrift_rooms valleydrift_${name})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${path}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/valleydrift/${path}
          FILES_MATCHING PATTERN *.hpp)
endfunction()

# What takes no time at run time, but compiling.
function(valleydrift_compile_quickly)  # valleydrift_compile_quickly(room...)
  foreach(name IN LISTS ARGN)
    target_compile_options(valleydrift_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  endforeach()
endfunction()

# Several files at once, which reads the headers of the libraries once for all of them; CMAKE_UNITY_BUILD=OFF: one by one.
function(valleydrift_unity target batch)
  if(CMAKE_UNITY_BUILD OR NOT DEFINED CMAKE_UNITY_BUILD)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
  endif()
endfunction()
