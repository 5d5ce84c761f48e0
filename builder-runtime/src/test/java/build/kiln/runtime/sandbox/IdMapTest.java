package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.sandbox.IdMap.Range;
import org.junit.jupiter.api.Test;

class IdMapTest {
  @Test
  void rootOfTheMachineMapsTheFirst65536() {
    IdMap map = IdMap.nested("         0          0 4294967295\n", true, 0);
    assertThat(map.ranges()).containsExactly(new Range(0, 0, 65536));
    assertThat(map.size()).isEqualTo(65536);
    assertThat(map.has(65535)).isTrue();
    assertThat(map.has(65536)).isFalse();
  }

  @Test
  void rootOfAnOrdinaryUsersNamespaceMapsWhatItHas() {
    IdMap map = IdMap.nested("0 1000 1\n1 100000 65536\n", true, 0);
    assertThat(map.ranges()).containsExactly(new Range(0, 0, 1), new Range(1, 1, 65535));
    assertThat(map.size()).isEqualTo(65536);
  }

  @Test
  void oneIdStaysOne() {
    IdMap map = IdMap.nested("0 1000 1\n", true, 0);
    assertThat(map.ranges()).containsExactly(new Range(0, 0, 1));
    assertThat(map.has(5)).isFalse();
  }

  @Test
  void anOrdinaryUserMapsRootToItself() {
    assertThat(IdMap.nested("0 0 4294967295\n", false, 1000).ranges())
        .containsExactly(new Range(0, 1000, 1));
  }

  @Test
  void whatLiesAboveIsNotMapped() {
    assertThat(IdMap.nested("0 0 10\n70000 70000 5\n65530 1 100\n", true, 0).ranges())
        .containsExactly(new Range(0, 0, 10), new Range(65530, 65530, 6));
  }
}
