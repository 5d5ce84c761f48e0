package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Something that needs an image.
 *
 * @param repository registry and repository; null for a digest that may be anywhere
 * @param tags that are in use
 * @param digest that is in use: of a manifest, an index, or an image's configuration
 * @param by who needs it, such as {@code Deployment shop/api}
 * @param onlyThere whether the tags of other repositories of that path are of no interest
 */
public record Use(
    @Nullable String repository,
    List<String> tags,
    @Nullable Digest digest,
    String by,
    boolean onlyThere) {
  public Use(@Nullable String repository, List<String> tags, @Nullable Digest digest, String by) {
    this(repository, tags, digest, by, false);
  }

  /** By a reference; without tag and digest it means {@code latest}. */
  public static Use of(Reference reference, String by) {
    Reference whole = reference.withDefaultTag();
    String tag = whole.tag();
    return new Use(
        Names.canonical(whole), tag == null ? List.of() : List.of(tag), whole.digest(), by);
  }

  /** By a digest that runtimes report without a repository. */
  public static Use ofDigest(Digest digest, String by) {
    return new Use(null, List.of(), digest, by);
  }
}
