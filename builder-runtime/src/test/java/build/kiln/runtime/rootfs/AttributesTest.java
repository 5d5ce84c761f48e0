package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class AttributesTest {
  @Test
  void capabilitiesLoseTheUserNamespaceAndLabelsAreLeftOut() {
    var onDisk = new TreeMap<String, byte[]>();
    // cap_net_raw=ep of revision 3, for the root with id 100000.
    onDisk.put(
        "security.capability",
        HexFormat.of().parseHex("010000030020000000000000000000000000000000a08601"));
    onDisk.put("security.selinux", new byte[] {1});
    onDisk.put("user.x", new byte[] {2});
    var kept = Attributes.forLayer(onDisk);
    assertThat(kept).containsOnlyKeys("security.capability", "user.x");
    assertThat(kept.get("security.capability"))
        .isEqualTo(HexFormat.of().parseHex("0100000200200000000000000000000000000000"));
    assertThat(Attributes.forLayer(kept).get("security.capability")).hasSize(20);
  }
}
