# What decides the bits of a result or the layout of a type. Lane width, Eigen's alignment and the inline functions in
# our headers depend on these flags, so EVERY target that includes a header must be compiled with the same ones: they are
# INTERFACE, every library passes them on, and the installed package exports them.
if(VALLEYDRIFT_ARCH)
  set(march ${VALLEYDRIFT_ARCH})
elseif(VALLEYDRIFT_PORTABLE)
  set(march x86-64)
else()
  set(march native)
endif()

add_library(valleydrift_flags INTERFACE)
set_target_properties(valleydrift_flags PROPERTIES EXPORT_NAME flags)
target_compile_features(valleydrift_flags INTERFACE cxx_std_20)
target_compile_options(valleydrift_flags INTERFACE
  -ffp-contract=off      # a * b + c fused in one place but not in another: lanes and scalar reference would differ in bits
  -fno-tree-vectorize    # g++ 12.2 fuses there in spite of it (GCC bug 107647); our kernels are vectors already
  -march=${march})
target_compile_definitions(valleydrift_flags INTERFACE
  EIGEN_DONT_VECTORIZE)  # its sums would be taken in an order that depends on the width of the registers
target_include_directories(valleydrift_flags INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/valleydrift>)
target_include_directories(valleydrift_flags SYSTEM INTERFACE $<BUILD_INTERFACE:${RANDOM123_INCLUDE_DIR}>)
if(OpenMP_CXX_FOUND)
  target_link_libraries(valleydrift_flags INTERFACE OpenMP::OpenMP_CXX)
  # Paths are what runs in parallel; Eigen's own threads inside each path would only oversubscribe the processor.
  target_compile_definitions(valleydrift_flags INTERFACE EIGEN_DONT_PARALLELIZE)
else()
  target_compile_options(valleydrift_flags INTERFACE -Wno-unknown-pragmas)  # `#pragma omp` then means nothing, as intended
endif()
if(VALLEYDRIFT_SANITIZE)
  # Null pointers, alignment, object sizes and pointers out of range are found by the address sanitizer or the processor;
  # checking them once more takes a third of the time to compile.
  set(sanitize -fsanitize=address,undefined -fno-sanitize=null,alignment,object-size,pointer-overflow
      -fno-sanitize-recover=all)
  target_compile_options(valleydrift_flags INTERFACE ${sanitize} -fno-omit-frame-pointer
    # In functions of more accesses than this each check is a call, not inline: a seventh of the time to compile.
    $<$<CXX_COMPILER_ID:GNU>:--param=asan-instrumentation-with-call-threshold=1000>)
  target_compile_definitions(valleydrift_flags INTERFACE _GLIBCXX_ASSERTIONS)  # bounds of span, vector and array
  target_link_options(valleydrift_flags INTERFACE ${sanitize})
endif()

# Warnings concern this project only and are not passed on.
add_compile_options(-Wall -Wextra -Wpedantic $<$<BOOL:${VALLEYDRIFT_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12's own AVX-512 headers (_mm512_undefined_pd and the like) trigger both, in code that is not ours.
  add_compile_options(-Wno-uninitialized -Wno-maybe-uninitialized)
endif()
