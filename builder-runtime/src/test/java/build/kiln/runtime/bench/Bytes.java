package build.kiln.runtime.bench;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Random;

/** Content made from a seed: text that compresses like source code, and noise that does not. */
final class Bytes {
  /** Before any build, so that no builder takes a file for one that is being written. */
  static final FileTime OLD = FileTime.from(Instant.parse("2024-05-06T07:08:09Z"));

  static final FileTime NEW = FileTime.from(Instant.parse("2024-06-07T08:09:10Z"));

  private static final int TEXT = 8 << 20;
  private static final int WORDS = 3_000;

  private final Random random;
  private final byte[] text;

  Bytes(long seed) {
    random = new Random(seed);
    text = text(random);
  }

  /** Words by Zipf's law, in lines that are indented. */
  private static byte[] text(Random random) {
    var words = new String[WORDS];
    for (int i = 0; i < WORDS; i++) {
      var word = new StringBuilder();
      for (int n = 2 + random.nextInt(9); n > 0; n--) {
        word.append((char) ('a' + random.nextInt(26)));
      }
      words[i] = word.toString();
    }
    var text = new StringBuilder(TEXT + 200);
    while (text.length() < TEXT) {
      text.repeat(' ', 2 * random.nextInt(5));
      for (int n = 1 + random.nextInt(9); n > 0; n--) {
        text.append(words[(int) Math.pow(WORDS, random.nextDouble()) - 1]);
        text.append(random.nextInt(4) == 0 ? "(" : random.nextInt(4) == 0 ? "." : " ");
      }
      text.append(";\n");
    }
    return text.substring(0, TEXT).getBytes(StandardCharsets.US_ASCII);
  }

  Random random() {
    return random;
  }

  void text(OutputStream out, int bytes) throws IOException {
    int left = bytes;
    while (left > 0) {
      int n = Math.min(left, TEXT / 2);
      out.write(text, random.nextInt(TEXT - n), n);
      left -= n;
    }
  }

  void noise(OutputStream out, int bytes) throws IOException {
    byte[] noise = new byte[Math.min(bytes, 1 << 16)];
    for (int left = bytes; left > 0; left -= noise.length) {
      random.nextBytes(noise);
      out.write(noise, 0, Math.min(left, noise.length));
    }
  }

  /** One file, its blocks of 1 MiB by turns text and noise. */
  void bigFile(Path file, long bytes) throws IOException {
    try (var out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
      boolean noise = false;
      for (long left = bytes; left > 0; left -= 1 << 20) {
        int n = (int) Math.min(left, 1 << 20);
        if (noise) {
          noise(out, n);
        } else {
          text(out, n);
        }
        noise = !noise;
      }
    }
    Files.setLastModifiedTime(file, OLD);
  }

  static void write(Path file, String content, FileTime time) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
    Files.setLastModifiedTime(file, time);
  }
}
