package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Platform;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What of an image is copied, and when.
 *
 * @param platforms of an index, the images for these; none for all. The index is copied byte for
 *     byte all the same, which is a sparse index, unless it is rewritten. An image that is not an
 *     index is copied whatever it is for.
 * @param rewriteIndexes whether an index is written anew with the chosen images only. Its digest is
 *     another then, and signatures of it do not hold.
 * @param referrers which manifests that point at the image are copied as well; empty for none
 * @param overwrite what happens to a tag that is at the destination
 */
public record CopyOptions(
    List<Platform> platforms,
    boolean rewriteIndexes,
    Optional<Referrers> referrers,
    Overwrite overwrite) {

  /** All of an image, overwriting what is different. */
  public static final CopyOptions ALL =
      new CopyOptions(List.of(), false, Optional.empty(), Overwrite.IF_DIFFERENT);

  public CopyOptions {
    platforms = List.copyOf(platforms);
  }

  /** What happens to a tag that is at the destination. */
  public enum Overwrite {
    /** It is kept, whatever it points at. */
    NEVER,
    /** It is moved if it points at something else. */
    IF_DIFFERENT
  }

  /**
   * Which referrers: those by {@code subject}, and those that cosign tags {@code sha256-<hex>.sig},
   * {@code .att} and {@code .sbom}.
   *
   * @param artifactTypes those of these types only; none for all. A manifest under one of cosign's
   *     tags has the types of its layers.
   */
  public record Referrers(Set<String> artifactTypes) {
    public static final Referrers ALL = new Referrers(Set.of());

    public Referrers {
      artifactTypes = Set.copyOf(artifactTypes);
    }

    boolean wants(String type) {
      return artifactTypes.isEmpty() || artifactTypes.contains(type);
    }
  }

  public CopyOptions platforms(List<Platform> chosen, boolean rewrite) {
    return new CopyOptions(chosen, rewrite, referrers, overwrite);
  }

  public CopyOptions referrers(Referrers chosen) {
    return new CopyOptions(platforms, rewriteIndexes, Optional.of(chosen), overwrite);
  }

  public CopyOptions overwrite(Overwrite manner) {
    return new CopyOptions(platforms, rewriteIndexes, referrers, manner);
  }
}
