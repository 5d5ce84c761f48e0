package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Tags that belong to a digest: cosign's {@code sha256-<hex>.sig}, {@code .att} and {@code .sbom},
 * and {@code sha256-<hex>}, which lists referrers where the registry does not (distribution-spec
 * 1.1, "Referrers Tag Schema").
 */
final class Companion {
  private static final Pattern FORM =
      Pattern.compile("(sha256|sha512)-([0-9a-f]{64,128})(?:\\.[a-z0-9._-]+)?");

  private Companion() {}

  /** The digest a tag belongs to; empty for an ordinary tag. */
  static Optional<Digest> subject(String tag) {
    if (!tag.startsWith("sha")) {
      return Optional.empty();
    }
    Matcher matcher = FORM.matcher(tag);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    try {
      return Optional.of(new Digest(matcher.group(1), matcher.group(2)));
    } catch (OciException e) {
      return Optional.empty();
    }
  }
}
