package build.kiln.runtime.bench;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Many files as a project with its dependencies has them: packages of 50 files, most of them small
 * and a few large, either text or noise.
 */
final class FileTree {
  private static final int PACKAGE = 50;

  private FileTree() {}

  /**
   * @param bytes of all files together, exactly
   * @param noise how many of 100 files do not compress
   */
  static void write(Path folder, Bytes content, int files, long bytes, int noise)
      throws IOException {
    int[] sizes = sizes(content, files, bytes);
    for (int i = 0; i < files; i++) {
      boolean text = content.random().nextInt(100) >= noise;
      Path file = folder.resolve(name(i) + (text ? ".js" : ".bin"));
      if (i % PACKAGE == 0) {
        Files.createDirectories(file.getParent());
      }
      try (var out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16)) {
        if (text) {
          content.text(out, sizes[i]);
        } else {
          content.noise(out, sizes[i]);
        }
      }
      Files.setLastModifiedTime(file, Bytes.OLD);
    }
  }

  private static String name(int file) {
    int number = file / PACKAGE;
    return "group-%02d/package-%03d/lib/file-%05d".formatted(number % 20, number, file);
  }

  /** Exponents of a bell curve, scaled to the sum. */
  private static int[] sizes(Bytes content, int files, long bytes) {
    double[] raw = new double[files];
    double sum = 0;
    for (int i = 0; i < files; i++) {
      raw[i] = Math.exp(1.4 * content.random().nextGaussian());
      sum += raw[i];
    }
    int[] sizes = new int[files];
    long left = bytes;
    for (int i = 0; i < files; i++) {
      sizes[i] = (int) (raw[i] / sum * bytes);
      left -= sizes[i];
    }
    sizes[files - 1] += (int) left;
    return sizes;
  }
}
