package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Descriptor;

/**
 * A manifest or index as the registry has it: the very bytes, verified against the digest in the
 * descriptor, whose media type is the document's own.
 */
@SuppressWarnings("ArrayRecordComponent") // the bytes are the point; compared by digest
public record FetchedManifest(byte[] bytes, Descriptor descriptor) {
  @Override
  public boolean equals(Object other) {
    return other instanceof FetchedManifest that && descriptor.equals(that.descriptor);
  }

  @Override
  public int hashCode() {
    return descriptor.hashCode();
  }

  @Override
  public String toString() {
    return "FetchedManifest[" + descriptor + "]";
  }
}
