package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.PushResult;

/** Is told of a copy as it goes; called from many threads. */
public interface CopyListener {
  /** Hears nothing. */
  CopyListener NONE = new CopyListener() {};

  /** Bytes of blobs came from the source. Those that were sent in vain are counted as well. */
  default void moved(long bytes) {}

  /** A blob is at the destination. */
  default void blob(Reference repository, Descriptor blob, PushResult.How how) {}

  /** A manifest is at the destination: children, the image, its referrers, by digest or tag. */
  default void manifest(Reference target, Descriptor manifest) {}
}
