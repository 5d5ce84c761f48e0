package build.kiln.runtime.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.Inflater;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FastDeflateTest {
  private static final int MOST = 1 << 20;

  @BeforeEach
  void onlyWithGlibcOnX86() {
    Tools.assumeGlibcOnX86();
  }

  @Test
  void isAvailable() {
    assertThat(FastDeflate.isAvailable()).isTrue();
  }

  @ParameterizedTest(name = "{1} bytes, {0}")
  @CsvSource({
    "zeros, 0",
    "zeros, 1",
    "zeros, 1048576",
    "random, 1",
    "random, 2",
    "random, 100",
    "random, 1023",
    "random, 16385",
    "random, 65535",
    "random, 65536",
    "random, 1048576",
    "text, 3",
    "text, 1000000",
    "text, 1048576",
    "mixed, 1048575",
  })
  void whatItDeflatesInflatesToTheSame(String kind, int length) throws Exception {
    byte[] input = content(kind, length);
    try (var encoder = new FastDeflate(MOST)) {
      byte[] out = new byte[encoder.bound(length)];
      int first = encoder.encode(input, length, out);
      byte[] blocks = Arrays.copyOf(out, first + 2);
      // The end that the codec writes: a last, empty block.
      blocks[first] = 3;
      assertThat(inflate(blocks, length)).isEqualTo(input);
      int second = encoder.encode(input, length, out);
      assertThat(Arrays.copyOf(out, second)).isEqualTo(Arrays.copyOf(blocks, first));
      // One that has no more room than this takes.
      try (var exact = new FastDeflate(length)) {
        int third = exact.encode(input, length, out);
        assertThat(Arrays.copyOf(out, third)).isEqualTo(Arrays.copyOf(blocks, first));
      }
    }
  }

  @Test
  void blocksOneAfterTheOtherAreOneStream() throws Exception {
    byte[] whole = content("mixed", 2 * MOST);
    try (var encoder = new FastDeflate(MOST)) {
      var stream = new ByteArrayOutputStream();
      byte[] out = new byte[encoder.bound(MOST)];
      for (int at = 0; at < whole.length; at += MOST) {
        byte[] block = Arrays.copyOfRange(whole, at, at + MOST);
        stream.write(out, 0, encoder.encode(block, MOST, out));
      }
      stream.write(3);
      stream.write(0);
      assertThat(inflate(stream.toByteArray(), whole.length)).isEqualTo(whole);
    }
  }

  private static byte[] inflate(byte[] deflated, int length) throws Exception {
    var inflater = new Inflater(true);
    try {
      inflater.setInput(deflated);
      byte[] out = new byte[length + 1];
      int total = 0;
      for (int n; (n = inflater.inflate(out, total, out.length - total)) > 0; ) {
        total += n;
      }
      assertThat(inflater.finished()).isTrue();
      assertThat(inflater.getRemaining()).isZero();
      return Arrays.copyOf(out, total);
    } finally {
      inflater.end();
    }
  }

  private static byte[] content(String kind, int length) {
    var random = new Random(length);
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] =
          switch (kind) {
            case "zeros" -> 0;
            case "random" -> (byte) random.nextInt();
            case "text" -> (byte) "the quick brown fox ".charAt((i + i / 977) % 20);
            default -> (byte) (i % 70_000 < 30_000 ? random.nextInt() : i >> 8);
          };
    }
    return bytes;
  }
}
