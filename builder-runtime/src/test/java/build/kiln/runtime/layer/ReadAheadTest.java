package build.kiln.runtime.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.SequenceInputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ReadAheadTest {
  private static byte[] content(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 131_071, 131_072, 131_073, 786_432, 5_000_001})
  void givesAllBytesInTheirOrder(int size) throws Exception {
    byte[] bytes = content(size);
    try (var in = new ReadAhead(new ByteArrayInputStream(bytes))) {
      assertThat(in.readAllBytes()).isEqualTo(bytes);
      assertThat(in.read()).isEqualTo(-1);
    }
  }

  @Test
  void afterWhatWasReadBeforeItComesTheFailureEachTime() throws Exception {
    byte[] bytes = content(300_000);
    InputStream broken = failing(new IOException("connection reset"));
    try (var in = new ReadAhead(new SequenceInputStream(new ByteArrayInputStream(bytes), broken))) {
      assertThat(in.readNBytes(bytes.length)).isEqualTo(bytes);
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(in::read)
            .isExactlyInstanceOf(IOException.class)
            .hasMessage("connection reset");
      }
    }
  }

  @Test
  void programmingErrorsOfTheStreamAreTheReaders() throws Exception {
    try (var in = new ReadAhead(failing(new IllegalStateException("twice")))) {
      assertThatThrownBy(in::read).isExactlyInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void readsNoFurtherAheadThanItsBlocks() throws Exception {
    var taken = new AtomicInteger();
    var endless =
        new BulkInputStream() {
          @Override
          public int read(byte[] target, int offset, int length) {
            taken.addAndGet(length);
            return length;
          }
        };
    try (var in = new ReadAhead(endless)) {
      assertThat(in.readNBytes(10)).hasSize(10);
      Awaitility.await().during(Duration.ofMillis(200)).until(() -> taken.get() == 6 * 131_072);
    }
  }

  @Test
  void closedWhileItWaitsForBytesItEnds() throws Exception {
    var waiting = new CountDownLatch(1);
    var closed = new AtomicBoolean();
    var silent =
        new BulkInputStream() {
          @Override
          public int read(byte[] target, int offset, int length) throws IOException {
            try {
              waiting.countDown();
              Thread.sleep(60_000);
            } catch (InterruptedException e) {
              throw new InterruptedIOException();
            }
            return -1;
          }

          @Override
          public void close() {
            closed.set(true);
          }
        };
    var in = new ReadAhead(silent);
    waiting.await();
    in.close();
    assertThat(closed).isTrue();
  }

  @Test
  void whoeverIsInterruptedWhileReadingHearsOfIt() throws Exception {
    var release = new CountDownLatch(1);
    var silent =
        new BulkInputStream() {
          @Override
          public int read(byte[] target, int offset, int length) throws IOException {
            try {
              release.await();
              return -1;
            } catch (InterruptedException e) {
              throw new InterruptedIOException();
            }
          }
        };
    try (var in = new ReadAhead(silent)) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(in::read).isInstanceOf(InterruptedIOException.class);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  /** What it has read meanwhile is not lost. */
  @Test
  void whoeverWasInterruptedMayReadOn() throws Exception {
    byte[] bytes = content(3_000_000);
    try (var in = new ReadAhead(new ByteArrayInputStream(bytes))) {
      assertThat(in.readNBytes(131_072)).isEqualTo(Arrays.copyOf(bytes, 131_072));
      Thread.currentThread().interrupt();
      assertThatThrownBy(in::read).isInstanceOf(InterruptedIOException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(in.readAllBytes()).isEqualTo(Arrays.copyOfRange(bytes, 131_072, bytes.length));
    }
  }

  private static InputStream failing(Exception failure) {
    return new BulkInputStream() {
      @Override
      public int read(byte[] target, int offset, int length) throws IOException {
        if (failure instanceof RuntimeException e) {
          throw e;
        }
        throw (IOException) failure;
      }
    };
  }
}
