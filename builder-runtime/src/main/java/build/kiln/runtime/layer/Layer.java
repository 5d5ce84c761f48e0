package build.kiln.runtime.layer;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;

/** A layer in the local store: its blob as it is stored, and the digest of its uncompressed tar. */
public record Layer(Descriptor descriptor, Digest diffId) {}
