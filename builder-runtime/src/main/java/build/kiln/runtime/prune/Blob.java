package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;

/**
 * A configuration or layer that a manifest needs.
 *
 * @param size in bytes, as the manifest says
 */
public record Blob(Digest digest, long size) {}
