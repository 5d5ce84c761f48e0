package build.kiln.api.v1alpha1;

/** Reads an ImagePrunePolicy. */
final class ImagePrunePolicyReader
    extends ResourceReader<ImagePrunePolicy, ImagePrunePolicySpec, ImagePrunePolicyStatus> {
  ImagePrunePolicyReader() {
    super(ImagePrunePolicy::new, ImagePrunePolicySpec.class, ImagePrunePolicyStatus.class);
  }

  @Override
  void check(ImagePrunePolicySpec spec) {}
}
