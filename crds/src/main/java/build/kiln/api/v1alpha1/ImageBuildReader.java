package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.databind.JsonMappingException;

/** Reads an ImageBuild. */
final class ImageBuildReader extends ResourceReader<ImageBuild, ImageBuildSpec, ImageBuildStatus> {
  ImageBuildReader() {
    super(ImageBuild::new, ImageBuildSpec.class, ImageBuildStatus.class);
  }

  @Override
  void check(ImageBuildSpec spec) throws JsonMappingException {
    if (spec.workspace() != null && spec.workspace().size() != null) {
      checkQuantity("workspace.size", spec.workspace().size());
    }
    checkQuantities(spec.podTemplate());
  }
}
