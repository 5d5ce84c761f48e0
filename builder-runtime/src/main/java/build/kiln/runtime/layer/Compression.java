package build.kiln.runtime.layer;

import build.kiln.runtime.oci.MediaTypes;

/**
 * How a layer is compressed, and how hard. Level 0 is the type's default: zstd 3; for gzip what is
 * fastest on this machine, in about the size of level 1.
 */
public record Compression(Type type, int level) {
  public static final Compression NONE = new Compression(Type.NONE, 0);
  public static final Compression GZIP = new Compression(Type.GZIP, 0);
  public static final Compression ZSTD = new Compression(Type.ZSTD, 0);

  /** The algorithms that layers may have (OCI image-spec 1.1, layer). */
  public enum Type {
    NONE,
    GZIP,
    ZSTD
  }

  /**
   * @throws IllegalArgumentException if the level is out of range: gzip 0 to 9, zstd 0 to 19
   */
  public Compression {
    int max =
        switch (type) {
          case NONE -> 0;
          case GZIP -> 9;
          case ZSTD -> 19;
        };
    if (level < 0 || level > max) {
      throw new IllegalArgumentException(
          type + " compression has no level " + level + " (want 0 to " + max + ")");
    }
  }

  /** The OCI media type of a layer compressed so. */
  public String mediaType() {
    return switch (type) {
      case NONE -> MediaTypes.OCI_LAYER;
      case GZIP -> MediaTypes.OCI_LAYER_GZIP;
      case ZSTD -> MediaTypes.OCI_LAYER_ZSTD;
    };
  }
}
