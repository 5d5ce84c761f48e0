package build.kiln.runtime.store;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeptFormTest {
  private static final String MOUNTS =
      """
      21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
      40 21 0:30 / /build rw,relatime,idmapped - tmpfs tmpfs rw
      41 40 0:31 / /build/store rw,relatime - ext4 /dev/vdb rw
      42 21 0:32 / /twice rw - tmpfs tmpfs rw
      43 42 0:33 / /twice rw,idmapped - tmpfs tmpfs rw
      44 21 0:34 / /a\\040b\\134 rw,idmapped - ext4 /dev/vdb rw
      """;

  @ParameterizedTest
  @CsvSource({
    "/build, true",
    "/build/roots, true",
    "/build/store, false",
    "/build/store/x, false",
    "/builder, false",
    "/twice/x, true",
    "/a b\\/x, true",
    "/a b/x, false",
    "/, false",
  })
  void theMountThatAPathIsOnTells(String path, boolean mapped) {
    assertThat(KeptForm.isIdMapped(MOUNTS, path)).isEqualTo(mapped);
  }

  /** Two pods have other IDs of the node, and see the same on a volume that is mapped for each. */
  @ParameterizedTest
  @CsvSource({
    "0 65536 65536, 0 131072 65536, false, false",
    "0 65536 65536, 0 131072 65536, true, true",
    "0 65536 65536, 0 65536 1000, true, false",
    "0 0 4294967295, 0 0 4294967295, false, true",
  })
  void idsAreTheSameOnlyIfThoseOnDiskAre(String a, String b, boolean mapped, boolean same) {
    assertThat(KeptForm.ids(a, mapped).equals(KeptForm.ids("   " + b + "\n", mapped)))
        .isEqualTo(same);
  }
}
