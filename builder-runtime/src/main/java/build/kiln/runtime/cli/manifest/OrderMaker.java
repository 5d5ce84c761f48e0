package build.kiln.runtime.cli.manifest;

import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.work.WorkOrder;
import build.kiln.api.work.WorkOrder.Resolved;
import build.kiln.api.work.WorkOrder.Settings;
import build.kiln.runtime.cli.manifest.ManifestFile.Manifest;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.random.RandomGenerator;

/** Makes at a desk the order that the operator makes in a cluster. */
public final class OrderMaker {
  private static final int NONCE_BYTES = 16;
  private static final long RUN = 1;
  private static final int ATTEMPT = 1;

  private final RandomGenerator random;

  public OrderMaker() {
    this(new SecureRandom());
  }

  /**
   * @param random for the nonce; not to be guessed by a RUN step
   */
  OrderMaker(RandomGenerator random) {
    this.random = random;
  }

  /**
   * The order for the first attempt of the first run. The revision is not known yet: the builder
   * resolves it and replaces {@code {{git...}}} in the tags.
   *
   * @param settings what the installation decides in a cluster
   */
  public WorkOrder order(Manifest manifest, Settings settings) {
    ImageBuildSpec spec = manifest.build().getSpec();
    List<String> tags =
        spec.output().tags().stream()
            .map(tag -> tag.replace("{{run}}", String.valueOf(RUN)))
            .toList();
    byte[] nonce = new byte[NONCE_BYTES];
    random.nextBytes(nonce);
    return new WorkOrder(
        manifest.build(),
        new Resolved(
            RUN, ATTEMPT, null, null, tags, spec.isolation(), HexFormat.of().formatHex(nonce)),
        settings);
  }
}
