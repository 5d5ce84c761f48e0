package build.kiln.runtime.sandbox;

/**
 * A small file that a step sees while it runs and that never becomes part of an image.
 *
 * @param path absolute and below {@code /dev}, such as {@code /dev/pipes/script}
 * @param content its bytes; not to be changed by anybody
 * @param mode permission bits
 */
public record StepFile(String path, byte[] content, int mode) {
  public StepFile {
    if (!path.startsWith("/dev/")
        || path.endsWith("/")
        || path.contains("//")
        || (path + "/").contains("/../")
        || (path + "/").contains("/./")) {
      throw new IllegalArgumentException("not a plain path below /dev: " + path);
    }
  }
}
