import com.aliyun.rds20140815.Client;
import com.aliyun.tea.TeaException;
import com.aliyun.tea.TeaModel;
import com.aliyun.teaopenapi.models.Config;
import java.lang.reflect.InvocationTargetException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** The SDK com.aliyun:rds20140815: typed requests. */
final class Rds20140815 {
    public static void main(String[] args) throws Exception {
        Lines.serve(ask -> answer(args[0], args[1], ask));
    }

    private static Map<String, Object> answer(String endpoint, String protocol, Lines.Ask ask) throws Exception {
        TeaModel request;
        try {
            request = (TeaModel) Class.forName("com.aliyun.rds20140815.models." + ask.action() + "Request")
                    .getDeclaredConstructor().newInstance();
        } catch (ClassNotFoundException none) {
            return Lines.absent();
        }
        TeaModel.build(ask.parameters(), request);
        Set<String> kept = new HashSet<>();
        request.toMap().forEach((name, value) -> { if (value != null) kept.add(name); });
        if (!kept.equals(ask.parameters().keySet())) {
            throw new IllegalArgumentException(ask.action() + "Request takes " + kept + " of " + ask.parameters());
        }
        var client = new Client(new Config().setAccessKeyId(ask.keyId()).setAccessKeySecret(ask.secret())
                .setEndpoint(endpoint).setProtocol(protocol).setRegionId("cn-hangzhou"));
        String method = Character.toLowerCase(ask.action().charAt(0)) + ask.action().substring(1);
        try {
            Object response = Client.class.getMethod(method, request.getClass()).invoke(client, request);
            TeaModel body = (TeaModel) response.getClass().getMethod("getBody").invoke(response);
            return Lines.reply(body.toMap());
        } catch (InvocationTargetException thrown) {
            if (!(thrown.getCause() instanceof TeaException error) || error.getCode() == null) throw thrown;
            Map<String, Object> data = error.getData() == null ? Map.of() : error.getData();
            return Lines.refused(error.getCode(), error.getMessage(), (String) data.get("RequestId"), error.getStatusCode());
        }
    }

    private Rds20140815() {}
}
