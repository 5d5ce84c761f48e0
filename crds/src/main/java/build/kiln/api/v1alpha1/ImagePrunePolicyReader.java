package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.databind.JsonMappingException;

/** Reads an ImagePrunePolicy. */
final class ImagePrunePolicyReader
    extends ResourceReader<ImagePrunePolicy, ImagePrunePolicySpec, ImagePrunePolicyStatus> {
  ImagePrunePolicyReader() {
    super(ImagePrunePolicy::new, ImagePrunePolicySpec.class, ImagePrunePolicyStatus.class);
  }

  @Override
  void check(ImagePrunePolicySpec spec) throws JsonMappingException {
    for (ImagePrunePolicySpec.Cache cache : spec.caches()) {
      if (cache.maxSize() != null) {
        checkQuantity("cache.maxSize", cache.maxSize());
      }
    }
    checkQuantities(spec.podTemplate());
  }
}
