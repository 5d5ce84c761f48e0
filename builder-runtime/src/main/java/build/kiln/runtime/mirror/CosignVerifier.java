package build.kiln.runtime.mirror;

import build.kiln.runtime.mirror.CopyException.Reason;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Accepts images that are signed by one of some public keys, as cosign does it: under the tag
 * {@code sha256-<hex>.sig} a manifest whose layers are simple-signing payloads, each with its
 * signature (ECDSA on P-256 over SHA-256, DER) as an annotation (cosign's SIGNATURE_SPEC).
 */
public final class CosignVerifier implements ImageVerifier {
  private static final String PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json";
  private static final String SIGNATURE = "dev.cosignproject.cosign/signature";
  private static final String TYPE = "cosign container image signature";
  private static final int MOST_BYTES = 1 << 20;
  private static final int P256 = 256;
  private static final Pattern PEM =
      Pattern.compile("-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\\s]+)-----END PUBLIC KEY-----");

  private final RegistryClient registry;
  private final List<PublicKey> keys;

  /**
   * @param registry where images and their signatures are
   * @param keys from {@link #keys}
   */
  public CosignVerifier(RegistryClient registry, List<PublicKey> keys) {
    this.registry = registry;
    this.keys = List.copyOf(keys);
  }

  /**
   * Reads public keys.
   *
   * @param pem one or more blocks of PUBLIC KEY
   * @throws IllegalArgumentException if there is none, or one that is not of ECDSA on P-256
   */
  public static List<PublicKey> keys(String pem) {
    List<PublicKey> keys = new ArrayList<>();
    Matcher block = PEM.matcher(pem);
    while (block.find()) {
      keys.add(key(block.group(1)));
    }
    if (keys.isEmpty()) {
      throw new IllegalArgumentException(
          "no public key in it; it must be PEM that begins with -----BEGIN PUBLIC KEY-----, as cosign.pub does");
    }
    return List.copyOf(keys);
  }

  private static PublicKey key(String base64) {
    try {
      byte[] encoded = Base64.getMimeDecoder().decode(base64);
      PublicKey key = KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(encoded));
      if (key instanceof ECPublicKey ec && ec.getParams().getOrder().bitLength() == P256) {
        return key;
      }
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw notOfP256(e);
    }
    throw notOfP256(null);
  }

  private static IllegalArgumentException notOfP256(@Nullable Exception e) {
    return new IllegalArgumentException(
        "a public key in it is not one of ECDSA on P-256, which is what cosign makes", e);
  }

  @Override
  public void verify(Reference image) throws IOException {
    String digest = String.valueOf(image.digest());
    Optional<Manifest> signatures = signatures(image);
    if (signatures.isEmpty()) {
      throw refused(image, "it is not signed: there is no tag " + tag(image).tag());
    }
    int found = 0;
    for (Descriptor layer : signatures.get().layers()) {
      Map<String, String> annotations = layer.annotations();
      String signature = annotations == null ? null : annotations.get(SIGNATURE);
      if (layer.mediaType().equals(PAYLOAD) && signature != null && layer.size() <= MOST_BYTES) {
        found++;
        byte[] payload = payload(image, layer);
        if (isSigned(payload, signature) && speaksOf(payload, digest)) {
          return;
        }
      }
    }
    throw refused(image, "none of its " + found + " signatures is one of it by the keys");
  }

  private static Reference tag(Reference image) {
    return image.withTag(ReferrerCopies.cosignTag(Objects.requireNonNull(image.digest()), ".sig"));
  }

  private Optional<Manifest> signatures(Reference image) throws IOException {
    try {
      byte[] bytes = registry.fetchManifest(tag(image)).bytes();
      return Optional.of(Json.read(bytes, Manifest.JSON, "the signatures"));
    } catch (RegistryException e) {
      if (e.code() == RegistryException.Code.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    } catch (OciException e) {
      throw refused(image, String.valueOf(e.getMessage()));
    }
  }

  private byte[] payload(Reference image, Descriptor layer) throws IOException {
    try (InputStream in = registry.openBlob(image, layer)) {
      return in.readAllBytes();
    }
  }

  private boolean isSigned(byte[] payload, String signature) {
    for (PublicKey key : keys) {
      try {
        Signature ecdsa = Signature.getInstance("SHA256withECDSA");
        ecdsa.initVerify(key);
        ecdsa.update(payload);
        if (ecdsa.verify(Base64.getDecoder().decode(signature))) {
          return true;
        }
      } catch (GeneralSecurityException | IllegalArgumentException e) {
        // What is no signature at all is none by this key.
        continue;
      }
    }
    return false;
  }

  private static boolean speaksOf(byte[] payload, String digest) {
    try {
      JsonNode critical = Json.tree(payload, "the payload").path("critical");
      return critical.path("type").asText().equals(TYPE)
          && critical.path("image").path("docker-manifest-digest").asText().equals(digest);
    } catch (OciException e) {
      return false;
    }
  }

  private static CopyException refused(Reference image, String why) {
    return new CopyException(
        Reason.SignatureNotVerified,
        "tried to verify %s but %s; sign it with cosign, or correct verify.publicKeyRef"
            .formatted(image, why));
  }
}
