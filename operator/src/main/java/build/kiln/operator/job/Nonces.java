package build.kiln.operator.job;

import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The nonces of orders, read from their ConfigMaps; those of late are remembered. */
public final class Nonces {
  private static final int REMEMBERED = 500;

  private final KubernetesClient client;
  private final Function<String, Optional<String>> reader;
  private final Map<String, String> known =
      Collections.synchronizedMap(
          new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
              return size() > REMEMBERED;
            }
          });

  /**
   * @param reader finds the nonce in an order's JSON; empty if it is no order
   */
  public Nonces(KubernetesClient client, Function<String, Optional<String>> reader) {
    this.client = client;
    this.reader = reader;
  }

  /** The nonce of an attempt; empty if its order is gone, as a person may have done. */
  public Optional<String> of(Attempt attempt) {
    var meta = attempt.job().getMetadata();
    var remembered = known.get(meta.getUid());
    if (remembered != null) {
      return Optional.of(remembered);
    }
    var nonce =
        Orders.text(
                client.configMaps().inNamespace(meta.getNamespace()).withName(meta.getName()).get())
            .flatMap(reader);
    nonce.ifPresent(found -> known.put(meta.getUid(), found));
    return nonce;
  }
}
