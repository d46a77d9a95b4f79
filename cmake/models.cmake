# The program's own valleys, a header for each and the class in it. A class may stand here after another of its name,
# with sizes that are known only at run time: manifolds/registry.hpp. Each room that compiles kernels makes one source of
# each model, from its own template: a change of a model rebuilds these and no other.
set(valleydrift_models
  models/uv.hpp Uv
  models/vector_uv.hpp VectorUv
  models/channel.hpp Channel
  models/ellipse.hpp Ellipse
  models/sphere.hpp SphereInSpace
  models/sphere.hpp Sphere
  models/torus.hpp Torus
  models/quadratic_pair.hpp QuadraticPair
  models/linear_network.hpp LinearNetwork
  models/matrix_sensing.hpp MatrixSensing
  models/teacher_student.hpp TeacherStudent
  models/cosh_pair.hpp CoshPair
  formula/formula_model.hpp FormulaModel)  # not in the listing: what a user types

# For each model the template of this folder, model.cpp.in, with HEADER and MODEL filled in; and built_in.cpp.in, in which
# DECLARE and LIST become one DECLARATION and one ITEM for each, with # in the place of MODEL.
function(valleydrift_model_sources room declaration item)  # valleydrift_model_sources(sde "Entry entry_of_#();" "entry_of_#()")
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/models)
  set(models ${valleydrift_models})
  set(DECLARE "")
  set(LIST "")
  while(models)
    list(POP_FRONT models HEADER MODEL)
    configure_file(model.cpp.in ${folder}/${MODEL}.cpp @ONLY)
    target_sources(valleydrift_${room} PRIVATE ${folder}/${MODEL}.cpp)
    string(REPLACE "#" ${MODEL} declared "${declaration}")
    string(REPLACE "#" ${MODEL} listed "${item}")
    string(APPEND DECLARE "${declared}\n")
    list(APPEND LIST ${listed})
  endwhile()
  list(JOIN LIST ", " LIST)
  configure_file(built_in.cpp.in ${folder}/built_in.cpp @ONLY)
  target_sources(valleydrift_${room} PRIVATE ${folder}/built_in.cpp)
endfunction()

# The same list as types, for tests: typed_losses.hpp from its template.
function(valleydrift_typed_losses template header)
  set(models ${valleydrift_models})
  set(INCLUDES "")
  set(MODELS "")
  while(models)
    list(POP_FRONT models HEADER MODEL)
    string(APPEND INCLUDES "#include \"manifolds/${HEADER}\"\n")
    list(APPEND MODELS manifolds::${MODEL})
  endwhile()
  list(JOIN MODELS ", " MODELS)
  configure_file(${template} ${header} @ONLY)
endfunction()
