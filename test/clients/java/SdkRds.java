import com.aliyuncs.AcsRequest;
import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.exceptions.ClientException;
import com.aliyuncs.exceptions.ErrorType;
import com.aliyuncs.http.FormatType;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.profile.DefaultProfile;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Map;

/** The SDK of the earlier generation, com.aliyun:aliyun-java-sdk-rds: typed requests and responses, signature V1, JSON and XML. */
final class SdkRds {
    public static void main(String[] args) throws Exception {
        Lines.serve(ask -> answer(args[0], args[1], ask));
    }

    private static Map<String, Object> answer(String endpoint, String protocol, Lines.Ask ask) throws Exception {
        AcsRequest<?> request;
        try {
            request = (AcsRequest<?>) Class.forName("com.aliyuncs.rds.model.v20140815." + ask.action() + "Request")
                    .getDeclaredConstructor().newInstance();
        } catch (ClassNotFoundException none) {
            return Lines.absent();
        }
        for (Map.Entry<String, String> parameter : ask.parameters().entrySet()) {
            try {
                set(request, parameter.getKey(), parameter.getValue());
            } catch (NumberFormatException error) {
                return Lines.unsendable(parameter.getKey() + ": " + error.getMessage());
            }
        }
        request.setSysEndpoint(endpoint);
        request.setSysProtocol(ProtocolType.valueOf(protocol.toUpperCase()));
        request.setSysAcceptFormat(FormatType.valueOf(ask.format()));
        var client = new DefaultAcsClient(DefaultProfile.getProfile("cn-hangzhou", ask.keyId(), ask.secret()));
        try {
            return Lines.reply(client.getAcsResponse(request));
        } catch (ClientException error) {
            if (error.getErrorType() == ErrorType.Client && error.getRequestId() == null) throw error;
            return Lines.refused(error.getErrCode(), error.getErrMsg(), error.getRequestId(), null);
        } finally {
            client.shutdown();
        }
    }

    private static void set(AcsRequest<?> request, String name, String text) throws Exception {
        Method setter = Arrays.stream(request.getClass().getMethods())
                .filter(method -> method.getName().equals("set" + name) && method.getParameterCount() == 1)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(request.getClass().getSimpleName() + " has no " + name));
        Class<?> type = setter.getParameterTypes()[0];
        if (type == Integer.class) setter.invoke(request, Integer.valueOf(text));
        else if (type == Long.class) setter.invoke(request, Long.valueOf(text));
        else setter.invoke(request, text);
    }

    private SdkRds() {}
}
