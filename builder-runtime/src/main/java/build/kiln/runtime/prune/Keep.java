package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import java.util.List;

/**
 * A digest that stays, and why.
 *
 * @param tags those that stay on it, by name
 */
public record Keep(Digest digest, List<String> tags, Verdict verdict) {}
