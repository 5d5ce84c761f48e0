package build.kiln.runtime.layer;

/**
 * A run of a file's bytes that the tar holds; what lies between runs is zeros (a hole).
 *
 * @param fileOffset where in the file, from its start
 * @param tarOffset where in the uncompressed tar, from its start
 * @param length in bytes
 */
public record Extent(long fileOffset, long tarOffset, long length) {
  /**
   * @throws IllegalArgumentException for a negative number
   */
  public Extent {
    if (fileOffset < 0 || tarOffset < 0 || length < 0) {
      throw new IllegalArgumentException(
          "extent " + fileOffset + ", " + tarOffset + ", " + length + ": must not be negative");
    }
  }
}
