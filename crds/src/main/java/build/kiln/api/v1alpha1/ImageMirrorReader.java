package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.databind.JsonMappingException;

/** Reads an ImageMirror. */
final class ImageMirrorReader
    extends ResourceReader<ImageMirror, ImageMirrorSpec, ImageMirrorStatus> {
  ImageMirrorReader() {
    super(ImageMirror::new, ImageMirrorSpec.class, ImageMirrorStatus.class);
  }

  @Override
  void check(ImageMirrorSpec spec) throws JsonMappingException {
    if (spec.bandwidth() != null) {
      checkQuantity("bandwidth", spec.bandwidth());
    }
    checkQuantities(spec.podTemplate());
  }
}
