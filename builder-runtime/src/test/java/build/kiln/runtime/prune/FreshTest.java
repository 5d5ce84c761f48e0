package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class FreshTest {
  private long now = Long.MAX_VALUE - 1;
  private int asked;

  @Test
  void anAnswerHoldsForAWhileWhateverTheTickerBeganWith() throws IOException {
    var fresh = new Fresh<>(Duration.ofSeconds(5), () -> now, () -> ++asked);
    assertThat(fresh.get()).isEqualTo(1);
    now += 1;
    assertThat(fresh.get()).as("the end is beyond the ticker's largest").isEqualTo(1);
    now += Duration.ofSeconds(5).toNanos() - 2;
    assertThat(fresh.get()).isEqualTo(1);
    now += 1;
    assertThat(fresh.get()).isEqualTo(2);
  }

  @Test
  void whatTookLongerHoldsAsLong() throws IOException {
    var fresh =
        new Fresh<>(
            Duration.ofSeconds(5),
            () -> now,
            () -> {
              now += Duration.ofSeconds(30).toNanos();
              return ++asked;
            });
    fresh.get();
    now += Duration.ofSeconds(29).toNanos();
    assertThat(fresh.get()).isEqualTo(1);
    now += Duration.ofSeconds(1).toNanos();
    assertThat(fresh.get()).isEqualTo(2);
  }

  @Test
  void whatFailsIsAskedAgain() throws IOException {
    var fresh =
        new Fresh<>(
            Duration.ofSeconds(5),
            () -> now,
            () -> {
              if (++asked == 1) {
                throw new IOException("down");
              }
              return asked;
            });
    assertThatThrownBy(fresh::get).hasMessage("down");
    assertThat(fresh.get()).isEqualTo(2);
  }
}
