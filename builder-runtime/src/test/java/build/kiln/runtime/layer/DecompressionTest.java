package build.kiln.runtime.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.layer.Decompression.Format;
import build.kiln.runtime.layer.LayerException.Code;
import com.github.luben.zstd.Zstd;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

class DecompressionTest {
  private static final byte[] TEXT = text();

  private static byte[] text() {
    byte[] bytes = new byte[200_000];
    new Random(5).nextBytes(bytes);
    Arrays.fill(bytes, 50_000, 150_000, (byte) 'x');
    return bytes;
  }

  private static byte[] pack(Format format, byte[] data) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (OutputStream out =
        switch (format) {
          case NONE -> bytes;
          case GZIP -> new GZIPOutputStream(bytes);
          case BZIP2 -> new BZip2CompressorOutputStream(bytes);
          case XZ -> new XZOutputStream(bytes, new LZMA2Options(1));
          case ZSTD -> new ByteArrayOutputStream();
        }) {
      out.write(data);
    }
    return format == Format.ZSTD ? Zstd.compress(data) : bytes.toByteArray();
  }

  private static byte[] unpack(byte[] data) throws IOException {
    try (InputStream in = Decompression.open(new ByteArrayInputStream(data), "layer x")) {
      return in.readAllBytes();
    }
  }

  @ParameterizedTest
  @EnumSource
  void inflatesWhatTheFirstBytesSay(Format format) throws Exception {
    byte[] packed = pack(format, TEXT);
    assertThat(Decompression.detect(Arrays.copyOf(packed, 6))).isEqualTo(format);
    assertThat(unpack(packed)).isEqualTo(TEXT);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void membersOneAfterTheOtherAreOneStream(Format format) throws Exception {
    byte[] packed = HostileTarTest.concat(pack(format, TEXT), pack(format, TEXT));
    assertThat(unpack(packed)).isEqualTo(HostileTarTest.concat(TEXT, TEXT));
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void cutOffDataIsAnError(Format format) throws Exception {
    byte[] packed = pack(format, TEXT);
    for (int length : new int[] {packed.length - 1, packed.length / 2, 8}) {
      assertThatThrownBy(() -> unpack(Arrays.copyOf(packed, length)))
          .as("cut at %s", length)
          .isInstanceOfSatisfying(
              LayerException.class, e -> assertThat(e.code()).isEqualTo(Code.TRUNCATED))
          .hasMessageContaining("layer x")
          .hasMessageContaining(format.name());
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void damagedDataIsAnError(Format format) throws Exception {
    byte[] packed = pack(format, TEXT);
    byte[] bad = packed.clone();
    for (int i = packed.length / 2; i < packed.length / 2 + 64; i++) {
      bad[i] ^= (byte) 0x55;
    }
    // Zstandard without a checksum may not see damage inside literals; its frame's start it does.
    if (format == Format.ZSTD) {
      Arrays.fill(bad, 4, 60, (byte) 0xff);
    }
    assertThatThrownBy(() -> unpack(bad)).isInstanceOf(LayerException.class);
  }

  @Test
  void zstdMayBeginWithASkippableFrame() throws Exception {
    byte[] skippable = {0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3};
    assertThat(unpack(HostileTarTest.concat(skippable, pack(Format.ZSTD, TEXT)))).isEqualTo(TEXT);
  }

  @Test
  void shortAndEmptyStreamsAreNotCompressed() throws Exception {
    for (String text : new String[] {"", "a", "BZ", "\u001f"}) {
      byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
      assertThat(unpack(bytes)).isEqualTo(bytes);
    }
  }

  @Test
  void errorsOfTheStreamBelowStayWhatTheyAre() throws Exception {
    byte[] packed = pack(Format.GZIP, TEXT);
    var broken =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw new IOException("connection reset");
          }
        };
    var half = new ByteArrayInputStream(Arrays.copyOf(packed, packed.length / 2));
    assertThatThrownBy(
            () -> Decompression.open(new SequenceInputStream(half, broken), "x").readAllBytes())
        .isExactlyInstanceOf(IOException.class)
        .hasMessage("connection reset");
  }
}
